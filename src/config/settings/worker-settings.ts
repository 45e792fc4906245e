// biome-ignore-all lint/suspicious/noTemplateCurlyInString: defaults refer to other settings
/** A worker: its addresses, the tiers that it keeps blocks in, how it is heard of. */
import type { Setting } from '../setting.js';
import { byteSize, byteSizeList, duration, host, integer, name, oneOf, pathList, port, ratio } from '../value-type.js';

const alias = <const Level extends number>(level: Level, text: string) => ({
  key: `worker.tieredstore.level${level}.alias`,
  type: name,
  default: text,
  help: `Name of tier ${level}, as reports show it. The fastest tier is 0.`,
});

const quota = <const Level extends number>(level: Level) => ({
  key: `worker.tieredstore.level${level}.dirs.quota`,
  type: byteSizeList({ min: '1MB', max: '1PB' }),
  help: `How many bytes of blocks each directory of tier ${level} may hold, separated by commas; the last one counts for all further directories.`,
});

const directories = <const Level extends number>(level: Level) => ({
  key: `worker.tieredstore.level${level}.dirs.path`,
  type: pathList,
  help: `Directories of tier ${level}, separated by commas, each best on a disk of its own. A disk that fails costs its own blocks alone.`,
});

const high = <const Level extends number>(level: Level) => ({
  key: `worker.tieredstore.level${level}.watermark.high.ratio`,
  type: ratio,
  default: '0.95',
  help: `Share of the quota of tier ${level} from which room is made in the background.`,
});

const low = <const Level extends number>(level: Level) => ({
  key: `worker.tieredstore.level${level}.watermark.low.ratio`,
  type: ratio,
  default: '0.7',
  help: `Share of the quota of tier ${level} down to which room is made.`,
});

export const workerSettings = {
  workerHostname: {
    key: 'worker.hostname',
    type: host,
    default: { machine: 'the host name of this machine' },
    help: 'Name under which clients, masters and other workers reach this worker. Clients with the same host name read its files directly.',
  },
  workerRpcPort: {
    key: 'worker.rpc.port',
    type: port,
    default: '29999',
    help: 'Port for clients and other workers, who read and write blocks there.',
  },
  workerWebPort: {
    key: 'worker.web.port',
    type: port,
    default: '30000',
    help: 'Port for people, scripts and metrics.',
  },
  workerBindHost: {
    key: 'worker.bind.host',
    type: host,
    default: '0.0.0.0',
    help: 'Address that the RPC port of a worker listens on; 0.0.0.0 is every one of this machine.',
  },
  workerWebBindHost: {
    key: 'worker.web.bind.host',
    type: host,
    default: { derived: 'understudy.worker.bind.host', of: (textOf) => textOf('worker.bind.host') ?? '' },
    help: 'Address that the web port of a worker listens on; 0.0.0.0 is every one of this machine.',
  },
  workerRamdiskSizeBytes: {
    key: 'worker.ramdisk.size',
    type: byteSize({ min: '1MB', max: '1PB' }),
    default: '1GB',
    help: 'How much memory a worker keeps blocks in, where its first tier is a file system in memory: the quota of tier 0, unless that is set.',
  },
  workerTieredstoreLevels: {
    key: 'worker.tieredstore.levels',
    type: integer({ min: 1, max: 3 }),
    default: '1',
    help: 'How many tiers a worker has. What has no room in one goes to the next, and leaves the worker behind the last.',
  },
  workerTieredstoreLevel0Alias: alias(0, 'MEM'),
  workerTieredstoreLevel0DirsPath: { ...directories(0), default: '/dev/shm/understudyworker' },
  workerTieredstoreLevel0DirsQuota: { ...quota(0), default: '${understudy.worker.ramdisk.size}' },
  workerTieredstoreLevel0WatermarkHighRatio: high(0),
  workerTieredstoreLevel0WatermarkLowRatio: low(0),
  workerTieredstoreLevel1Alias: alias(1, 'SSD'),
  workerTieredstoreLevel1DirsPath: directories(1),
  workerTieredstoreLevel1DirsQuota: quota(1),
  workerTieredstoreLevel1WatermarkHighRatio: high(1),
  workerTieredstoreLevel1WatermarkLowRatio: low(1),
  workerTieredstoreLevel2Alias: alias(2, 'HDD'),
  workerTieredstoreLevel2DirsPath: directories(2),
  workerTieredstoreLevel2DirsQuota: quota(2),
  workerTieredstoreLevel2WatermarkHighRatio: high(2),
  workerTieredstoreLevel2WatermarkLowRatio: low(2),
  workerScrubRateBytes: {
    key: 'worker.scrub.rate',
    type: byteSize({ min: '0', max: '1TB' }),
    default: '8MB',
    help: 'How many bytes of blocks are read in the background each second, to find what has rotted; 0: none.',
  },
  workerScrubIntervalMs: {
    key: 'worker.scrub.interval',
    type: duration({ min: '1sec', max: '365day' }),
    default: '7day',
    help: 'From the start of one round over all blocks in the background to the start of the next, at least.',
  },
  workerUfsReadConcurrencyMax: {
    key: 'worker.ufs.read.concurrency.max',
    type: integer({ min: 1, max: 1_024 }),
    default: '16',
    help: 'How many blocks a worker reads from mounted storage at once; further readers wait for their turn.',
  },
  workerUfsChangedFile: {
    key: 'worker.ufs.changed.file',
    type: oneOf('refuse', 'read'),
    default: 'refuse',
    help:
      'What becomes of a read from mounted storage whose file is no longer the one that the masters know, by its etag or time of change: it is ' +
      'refused until the metadata are loaded again, or the file is read as it is now, and none of it is kept.',
  },
} as const satisfies Record<string, Setting>;
