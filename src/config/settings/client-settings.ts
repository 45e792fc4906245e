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
  userBlockSizeBytesDefault: {
    key: 'user.block.size.bytes.default',
    type: byteSize({ min: '1KB', max: '1TB' }),
    default: '64MB',
    help: 'Block size of files that are made without naming one.',
  },
} as const satisfies Record<string, Setting>;
