/** The embedded election with its terms on an object store: in memory, and on a real server. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { EmbeddedElection } from '../../src/election/embedded-election.js';
import { ObjectTerms } from '../../src/election/object-terms.js';
import { MemoryObjects } from '../../src/journal/memory-object-store.js';
import type { ObjectStore } from '../../src/journal/object-store.js';
import { tcpNetwork } from '../../src/rpc/tcp-network.js';
import { type ElectionWorld, electionContract } from '../contract/election-contract.js';
import { newPrefix, openStore } from '../journal/object-worlds.js';
import { type S3Server, startS3 } from '../servers/s3.js';
import { waitUntil } from '../servers/wait-until.js';
import { StoppableClock } from './stoppable-clock.js';

const TIMEOUT_MS = 600;
const POLL_MS = 20;
const surroundings = { random: systemRandom, log: silentLog, network: tcpNetwork };

function worldOver(open: () => ObjectStore): ElectionWorld {
  const clocks: StoppableClock[] = [];
  const ports: Server[] = [];
  return {
    timeoutMs: TIMEOUT_MS,
    inOrder: false,
    async candidate() {
      const clock = new StoppableClock();
      clocks.push(clock);
      const { server, address } = await listening();
      ports.push(server);
      const terms = new ObjectTerms(open());
      const election = await EmbeddedElection.open({ timeoutMs: TIMEOUT_MS, pollIntervalMs: POLL_MS }, { ...surroundings, clock, terms });
      return {
        election,
        rpcAddress: address,
        async kill() {
          clock.stop();
        },
        async loseSession() {
          const watch = new ObjectTerms(open());
          const before = await watch.newest();
          clock.stop();
          await waitUntil('another has taken the next term', async () => (await watch.newest()) > before).catch(() => {});
          clock.resume();
          await watch.close();
        },
      };
    },
    directory: async () => undefined,
    async [Symbol.asyncDispose]() {
      for (const port of ports) port.close();
    },
  };
}

/** A port that accepts connections, as a master's does. */
async function listening(): Promise<{ server: Server; address: string }> {
  const server = createServer((socket: Socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { server, address: `127.0.0.1:${(server.address() as { port: number }).port}` };
}

electionContract('embedded, on an object store in memory', async () => {
  const objects = new MemoryObjects({ clock: systemClock });
  return worldOver(() => objects.open());
});

let server: S3Server;
beforeAll(async () => {
  server = await startS3({ make: 'versitygw' });
  await server.createBucket('elections');
}, 60_000);
afterAll(() => server.close());

electionContract('embedded, on S3', async () => {
  const prefix = newPrefix();
  return worldOver(() => openStore({ endpoint: server.endpoint, bucket: 'elections', prefix }));
});

test('terms on an object store: who slept through many, takes no old one', async () => {
  const objects = new MemoryObjects({ clock: systemClock });
  const terms = new ObjectTerms(objects.open());
  const page = { resigned: false, counter: 0, nonce: Buffer.alloc(16), rpcAddress: 'host:1' };
  expect(await terms.take(70, page)).toMatchObject({ term: 70 });
  expect(await terms.take(70, page)).toBe('taken');
  expect(await terms.take(5, page)).toBe('passed');
  expect(await terms.find(5)).toBeUndefined();
  expect(await terms.newest()).toBe(70);
});
