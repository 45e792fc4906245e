/**
 * What many files cost: memory, listing them all, and replaying the journal that made them.
 */
import { waitUntil } from '../test/servers/wait-until.js';
import { everyOne, makeDirectories, type Scenario } from './scenario.js';

const REPLAY_LIMIT_MS = 900_000;

export const memory: Scenario = {
  name: 'memory',
  async run({ sizes, floors, full }) {
    const { cluster, client, files, filled } = await full();
    const before = cluster.first.memory();
    await makeDirectories(client, '/more', sizes.moreFiles);
    await client.run(everyOne({ operation: 'create-then-complete', base: '/more', to: sizes.moreFiles }));
    const after = cluster.first.memory();
    const floor = { what: 'a process with the RPC layer', value: await floors.memory() };
    const common = { unit: 'MiB', floor, files } as const;
    const { units, seconds, p50Ms, p99Ms } = filled;
    return [
      { name: 'fill', what: `createFile + completeFile of ${files} in one directory`, value: units / seconds, unit: '/s', p50Ms, p99Ms },
      { ...common, name: 'memory-full', what: `resident at ${files} files`, value: before.nowMiB, note: peak(before.peakMiB) },
      { ...common, name: 'memory-more', what: `resident after ${sizes.moreFiles} more`, value: after.nowMiB, note: peak(after.peakMiB) },
    ];
  },
};

export const listFull: Scenario = {
  name: 'list-full',
  async run({ sizes: { measureMs }, floors, full }) {
    const { client, files } = await full();
    const { units, seconds, p50Ms, p99Ms } = await client.run(
      everyOne({ operation: 'list', base: '/full', to: 1, around: true, inFlight: 1, measureMs }),
    );
    const floor = { what: 'LevelDB scan', value: (await floors.level()).scannedPerSecond };
    const what = `listStatus, ${files} in a directory, 1 in flight`;
    return [{ name: 'list-full', what, value: units / seconds, unit: 'entries/s', p50Ms, p99Ms, floor }];
  },
};

export const replay: Scenario = {
  name: 'replay',
  async run({ floors, full }) {
    const { cluster, files } = await full();
    const endSn = await cluster.appliedSn();
    await cluster.first.stop('SIGTERM');
    cluster.first.wipe();
    const startMs = performance.now();
    cluster.first.start();
    await waitUntil('the journal is replayed', async () => (await cluster.appliedSn()) >= endSn, REPLAY_LIMIT_MS);
    const seconds = (performance.now() - startMs) / 1000;
    const { peakMiB } = cluster.first.memory();
    const rows = (await floors.level()).putsPerSecond;
    const note = peak(peakMiB);
    // The files of the memory scenario, where it ran, are in the journal too: the figure is for `files` of them, at two entries each.
    const share = (2 * files) / endSn;
    const writing = { what: 'LevelDB puts, two a file', value: (files * 2) / rows };
    return [
      {
        name: 'replay-seconds',
        what: `replay of ${files} files made and completed (of ${Math.floor(endSn / 2)})`,
        value: seconds * share,
        unit: 's',
        floor: writing,
        files,
        note,
      },
      {
        name: 'replay-entries',
        what: `replay, ${endSn} entries`,
        value: endSn / seconds,
        unit: 'entries/s',
        floor: { what: 'LevelDB puts', value: rows },
      },
    ];
  },
};

function peak(peakMiB: number): string {
  return `peak ${Math.round(peakMiB)} MiB`;
}
