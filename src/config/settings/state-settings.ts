// biome-ignore-all lint/suspicious/noTemplateCurlyInString: defaults refer to other settings
/** A master's own store, and what it keeps of clients. */
import type { Setting } from '../setting.js';
import { duration, integer, oneOf, path } from '../value-type.js';

export const stateSettings = {
  masterMetastoreDir: {
    key: 'master.metastore.dir',
    type: path,
    default: '${understudy.work.dir}/metastore',
    help: "Folder of this master's own LevelDB, on a local disk. It can be rebuilt from the journal. No two masters may share it.",
  },
  masterMetastoreInodeCacheMaxSize: {
    key: 'master.metastore.inode.cache.max.size',
    type: integer({ min: 1000, max: 100_000_000 }),
    default: '100000',
    inJournal: 'at start',
    help: 'Inodes kept decoded in memory, about 1 KB each. LevelDB holds the rest.',
  },
  masterMetastoreFlushRows: {
    key: 'master.metastore.flush.rows',
    type: integer({ min: 100, max: 10_000_000 }),
    default: '65536',
    inJournal: 'at start',
    help: 'Changed rows that are gathered in memory before they are written to LevelDB. More of them coalesce better and make a restart replay more.',
  },
  masterMetastoreFlushIntervalMs: {
    key: 'master.metastore.flush.interval',
    type: duration({ min: '10ms', max: '10min' }),
    default: '1sec',
    inJournal: 'at start',
    help: 'Longest time that changed rows stay unwritten while there are few of them.',
  },
  masterDigestInterval: {
    key: 'master.digest.interval',
    type: integer({ min: 1, max: 1_000_000 }),
    default: '1000',
    inJournal: 'at start',
    help: 'Batches between two digests of the whole state in the journal, by which standbys check that theirs is the same.',
  },
  masterListPageEntries: {
    key: 'master.list.page.entries',
    type: integer({ min: 1, max: 100_000 }),
    default: '1000',
    help: 'Entries of a directory that are sent as one piece of a listing.',
  },
  masterTrashIntervalMs: {
    key: 'master.trash.interval',
    type: duration({ min: '0ms', max: '3650day' }),
    default: '0ms',
    inJournal: 'at once',
    help:
      'How long what is removed stays in /.Trash, in a folder of the user who removed it; 0: it is gone at once. Never for what is below a ' +
      'mount point, and not where a removal asks to skip it.',
  },
  masterClientSessionTimeoutMs: {
    key: 'master.client.session.timeout',
    type: duration({ min: '1min', max: '30day' }),
    default: '1h',
    inJournal: 'at once',
    help: 'How long the answers of a client that went idle are kept, so that its retries are told the first answer instead of being run twice.',
  },
  masterTtlCheckerIntervalMs: {
    key: 'master.ttl.checker.interval',
    type: duration({ min: '100ms', max: '1day' }),
    default: '1min',
    inJournal: 'at once',
    help: 'How often the leader looks for files and directories that have outlived their time to live. They live that much longer at most.',
  },
  masterLeaseTimeoutMs: {
    key: 'master.lease.timeout',
    type: duration({ min: '100ms', max: '30day' }),
    default: '10min',
    inJournal: 'at once',
    help:
      'How long a client that writes a file may say nothing to the masters before the file is closed for it. Others can write it then. ' +
      'Shortened while a leader runs, the longer time counts once more: each client is told when it renews.',
  },
  masterLeaseRecovery: {
    key: 'master.lease.recovery',
    type: oneOf('complete', 'remove'),
    default: 'complete',
    inJournal: 'at once',
    help:
      'What becomes of a file whose writer is gone: it is completed with the length that was told last, or removed. One that was complete ' +
      'before and was being appended to is completed in every case.',
  },
  masterFileAccessTimeUpdatePrecisionMs: {
    key: 'master.file.access.time.update.precision',
    type: duration({ min: '0ms', max: '365day' }),
    default: '0',
    inJournal: 'at once',
    help: 'How exact access times of files are kept: each read that comes so much later than the last costs a part of a journal entry. 0: not at all.',
  },
  masterClientSessionsMax: {
    key: 'master.client.sessions.max',
    type: integer({ min: 10, max: 10_000_000 }),
    default: '100000',
    inJournal: 'at once',
    help: 'Clients that can be registered at once; past it the longest idle ones are forgotten, and refused if they come back with a retry.',
  },
  masterClockSkewMaxMs: {
    key: 'master.clock.skew.max',
    type: duration({ min: '1sec', max: '1day' }),
    default: '30sec',
    inJournal: 'at once',
    help:
      "By how much a leader's clock may differ from the cluster's time, which stands in the journal and never jumps. Past it the master says so, " +
      'and nothing expires by age.',
  },
} as const satisfies Record<string, Setting>;
