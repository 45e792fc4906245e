/** The journal's store: full, unwritable, gone, silent, or without power. */
import type { Fault } from '../fault.js';
import type { StoreServer } from '../journal-store.js';
import type { World } from '../world.js';
import { loseMetastoreTail } from './master-faults.js';

const lacksServer = (world: World) => (world.store.server === undefined ? 'a server that keeps the journal' : undefined);

function serverFault(begin: (server: StoreServer) => Promise<void>, heal: (server: StoreServer) => void | Promise<void>): Fault['begin'] {
  return async ({ store: { server } }) => {
    if (server === undefined) throw new Error('this journal has no server');
    await begin(server);
    return () => heal(server);
  };
}

export const storeFaults: readonly Fault[] = [
  {
    name: 'journal disk full',
    lastsMs: [500, 5_000],
    async begin({ store }) {
      store.fill();
      return () => store.clear();
    },
  },
  {
    name: 'journal read-only',
    lastsMs: [500, 4_000],
    begin: async ({ store }) => store.makeUnwritable(),
  },
  {
    name: 'store killed',
    lastsMs: [0, 5_000],
    lacks: lacksServer,
    begin: serverFault(
      (server) => server.kill(),
      (server) => server.start(),
    ),
  },
  {
    name: 'store stopped',
    lastsMs: [500, 8_000],
    lacks: lacksServer,
    begin: serverFault(
      async (server) => server.pause(),
      (server) => server.resume(),
    ),
  },
  {
    name: 'power fails everywhere',
    lastsMs: [0, 500],
    lacks: ({ store }) => (store.disk === undefined ? 'a disk of its own whose power can fail' : undefined),
    async begin({ store: { disk }, masters }, random) {
      disk?.losePower();
      for (const master of masters) master.hold();
      return async () => {
        await Promise.all(masters.map((master) => master.ended()));
        await disk?.restorePower();
        for (const master of masters) {
          loseMetastoreTail(master, random);
          master.release();
        }
      };
    },
  },
];
