// biome-ignore-all lint/suspicious/noTemplateCurlyInString: defaults refer to other settings
/** The journal and its checkpoints. */
import type { Setting } from '../setting.js';
import { boolean, byteSize, duration, integer, journalLocation, wordOr } from '../value-type.js';

export const journalSettings = {
  masterJournalFolder: {
    key: 'master.journal.folder',
    type: journalLocation,
    default: '${understudy.work.dir}/journal',
    help:
      'The journal, on storage that all masters share: a folder, or s3://bucket/prefix. Every acknowledged change is here, and nowhere else for ' +
      'certain. A bucket has to honour "If-None-Match: *" on PUT, which is tried at the start, and to be unversioned.',
  },
  masterJournalLogSizeBytesMax: {
    key: 'master.journal.log.size.bytes.max',
    type: byteSize({ min: '1MB', max: '4GB' }),
    default: '64MB',
    inJournal: 'at start',
    help: 'Size at which a segment of the log is followed by the next one. Has to hold more than one batch.',
  },
  masterJournalBatchSizeMaxBytes: {
    key: 'master.journal.batch.size.max',
    type: byteSize({ min: '64KB', max: '64MB' }),
    default: '8MB',
    help: 'Size of the largest group of changes that is committed at once. One operation cannot be larger than that. The same on all masters.',
  },
  masterJournalTailerPollIntervalMs: {
    key: 'master.journal.tailer.poll.interval',
    type: wordOr('auto', duration({ min: '1ms', max: '1min' })),
    default: 'auto',
    inJournal: 'at start',
    help: 'How often a standby looks for new batches in the journal. auto: 5ms on a local file system, 50ms on a network one, 250ms on S3.',
  },
  masterJournalCheckpointEnabled: {
    key: 'master.journal.checkpoint.enabled',
    type: boolean,
    default: 'true',
    inJournal: 'at once',
    help: 'Whether checkpoints of the state are made by themselves, and the log before them is given up. Without, the log grows for good; fsadmin can still make them.',
  },
  masterJournalCheckpointPeriodEntries: {
    key: 'master.journal.checkpoint.period.entries',
    type: integer({ min: 1, max: 1_000_000_000_000 }),
    default: '2000000',
    inJournal: 'at once',
    help: 'Entries of the journal after which the next checkpoint is made. What a new master has to replay grows with it.',
  },
  masterJournalCheckpointPeriodBytes: {
    key: 'master.journal.checkpoint.period.bytes',
    type: byteSize({ min: '1KB', max: '1PB' }),
    default: '1GB',
    inJournal: 'at once',
    help: 'Bytes of the journal after which the next checkpoint is made.',
  },
  masterJournalCheckpointPeriodTimeMs: {
    key: 'master.journal.checkpoint.period.time',
    type: duration({ min: '1sec', max: '365day' }),
    default: '1h',
    inJournal: 'at once',
    help: 'Time after which the next checkpoint is made, if anything has changed.',
  },
  masterJournalCheckpointKeep: {
    key: 'master.journal.checkpoint.keep',
    type: integer({ min: 1, max: 8 }),
    default: '3',
    inJournal: 'at once',
    help: 'Checkpoints that are kept, with all of the log behind the oldest of them: where the newest is damaged, the one before is used. Nothing is given up before there are so many.',
  },
  masterJournalFreeSpaceReserveBytes: {
    key: 'master.journal.free.space.reserve',
    type: byteSize({ min: '0', max: '1TB' }),
    default: '64MB',
    inJournal: 'at start',
    help: "Free space on the journal's storage below which changes are refused; taking over may still use it. Means nothing on S3.",
  },
  masterJournalS3RequestTimeoutMs: {
    key: 'master.journal.s3.request.timeout',
    type: duration({ min: '100ms', max: '10min' }),
    default: '5sec',
    inJournal: 'at start',
    help: 'Longest wait for the answer to one request of a journal on S3. A leader that does not get through for twice as long steps down.',
  },
} as const satisfies Record<string, Setting>;
