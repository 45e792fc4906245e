/** Clients. */
import type { Setting } from '../setting.js';
import { byteSize, duration, oneOf, wordOr } from '../value-type.js';

export const clientSettings = {
  userRpcTimeoutMs: {
    key: 'user.rpc.timeout',
    type: duration({ min: '100ms', max: '1h' }),
    default: '30sec',
    help: 'Longest wait for the answer to one attempt of a call.',
  },
  userRpcRetryBaseSleepMs: {
    key: 'user.rpc.retry.base.sleep',
    type: duration({ min: '1ms', max: '1h' }),
    default: '50ms',
    help: 'Pause before the second attempt of a call; it doubles with each further one, with jitter.',
  },
  userRpcRetryMaxSleepMs: {
    key: 'user.rpc.retry.max.sleep',
    type: duration({ min: '1ms', max: '1h' }),
    default: '3sec',
    help: 'Longest pause between two attempts of a call.',
  },
  userRpcRetryMaxDurationMs: {
    key: 'user.rpc.retry.max.duration',
    type: duration({ min: '0', max: '7day' }),
    default: '2min',
    help: 'How long a call is attempted before it fails.',
  },
  userFileMetadataLoadType: {
    key: 'user.file.metadata.load.type',
    type: oneOf('once', 'always', 'never'),
    default: 'once',
    help: 'Whether a path below a mount point is looked up in mounted storage first: where it was not before, always, or never.',
  },
  userFileMetadataSyncIntervalMs: {
    key: 'user.file.metadata.sync.interval',
    type: wordOr('-1', duration({ min: '0', max: '365day' })),
    default: '-1',
    help: 'Age at which what is known of a path below a mount point is looked up in mounted storage again; -1: never, 0: always.',
  },
  userFileWritetypeDefault: {
    key: 'user.file.writetype.default',
    type: oneOf('must_cache', 'cache_through', 'through', 'async_through'),
    default: 'must_cache',
    help: 'Where the bytes of files go that are written without saying so: to workers alone, or to mounted storage too: before the writer is done (cache_through, through), or after. Below no mount point: to workers alone, whatever this says.',
  },
  userFileReadtypeDefault: {
    key: 'user.file.readtype.default',
    type: oneOf('cache', 'cache_promote', 'no_cache'),
    default: 'cache',
    help: 'What becomes of bytes that come from mounted storage, where a reader does not say so: a worker keeps them, also moves them to its fastest tier, or does not keep them.',
  },
  userBlockSizeBytesDefault: {
    key: 'user.block.size.bytes.default',
    type: byteSize({ min: '1KB', max: '1TB' }),
    default: '64MB',
    inJournal: 'at once',
    perPath: true,
    help: 'Block size of files that are made without naming one. What stands for a path in the journal counts first, then what a client has set, then what the leader has.',
  },
} as const satisfies Record<string, Setting>;
