/**
 * A replica without a master: requests are planned and applied as a leader does, and their batches kept, to be replayed elsewhere.
 */
import type { understudy } from '#proto/understudy.js';
import { understudy as messages } from '../../generated/understudy.js';
import type { Clock } from '../../src/base/clock.js';
import type { Sequence } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import type { Checkpoints } from '../../src/journal/checkpoints.js';
import type { Batch } from '../../src/journal/journal.js';
import type { KvStores } from '../../src/kv/kv-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { Replica } from '../../src/master/replica.js';
import { apply } from '../../src/metadata/apply.js';
import { type Entry, encodeEntry } from '../../src/metadata/entries.js';
import type { EntryBody, Plan, PlanContext } from '../../src/metadata/plan.js';
import { planAddBlocks } from '../../src/metadata/plan-add-blocks.js';
import { planAppendFile } from '../../src/metadata/plan-append-file.js';
import { planCompleteFile } from '../../src/metadata/plan-complete-file.js';
import { planConcat } from '../../src/metadata/plan-concat.js';
import { planCreateDirectory } from '../../src/metadata/plan-create-directory.js';
import { planCreateFile } from '../../src/metadata/plan-create-file.js';
import { planRemove } from '../../src/metadata/plan-remove.js';
import { planRename } from '../../src/metadata/plan-rename.js';
import { planSetAttributes } from '../../src/metadata/plan-set-attributes.js';
import { planTruncateFile } from '../../src/metadata/plan-truncate-file.js';
import { ADA, planContext } from './identities.js';

const IDENTITY = { clusterId: 'cluster', incarnationId: 'first' };

/** Real deferrals, a monotonic clock that stands still, timers that never fire. */
export const stillClock: Clock = {
  wallMs: () => 1_000,
  monotonicMs: () => 0,
  setTimer: () => ({ cancel() {} }),
  defer: (fn) => void setImmediate(fn),
};

const NEVER = new AbortController().signal;
const NO_CHECKPOINTS: Checkpoints = {
  published: async () => ({ checkpoints: [], boundary: null }),
  write: () => Promise.reject(new Error('not here')),
  read: () => {
    throw new Error('not here');
  },
};

export interface Opened {
  readonly replica: Replica;
  readonly failures: unknown[];
}

export async function openReplica(
  stores: KvStores = new MemoryStores(),
  flushRows = 1_000,
  identity = IDENTITY,
  checkpoints: Checkpoints = NO_CHECKPOINTS,
): Promise<Opened> {
  const failures: unknown[] = [];
  const replica = await Replica.open(
    { inodeCacheMax: 64, flushRows, flushIntervalMs: 1_000, recentBytesMax: 1_000 },
    {
      ...{ stores, identity, clock: stillClock, log: silentLog, advanced() {}, doing() {} },
      checkpoints,
      failed: (error) => failures.push(error),
    },
    NEVER,
  );
  return { replica, failures };
}

/** One request of any mutation; `recursive` and so on as the message has it. */
export type Request =
  | { readonly kind: 'createFile'; readonly body: understudy.CreateFileRequest.$Properties }
  | { readonly kind: 'completeFile'; readonly body: understudy.CompleteFileRequest.$Properties }
  | { readonly kind: 'createDirectory'; readonly body: understudy.CreateDirectoryRequest.$Properties }
  | { readonly kind: 'rename'; readonly body: understudy.RenameRequest.$Properties }
  | { readonly kind: 'remove'; readonly body: understudy.RemoveRequest.$Properties }
  | { readonly kind: 'setAttributes'; readonly body: understudy.SetAttributesRequest.$Properties }
  | { readonly kind: 'addBlocks'; readonly body: understudy.AddBlocksRequest.$Properties }
  | { readonly kind: 'appendFile'; readonly body: understudy.AppendFileRequest.$Properties }
  | { readonly kind: 'truncateFile'; readonly body: understudy.TruncateFileRequest.$Properties }
  | { readonly kind: 'concat'; readonly body: understudy.ConcatRequest.$Properties };

export const PLANS = {
  createFile: [messages.CreateFileRequest, planCreateFile],
  completeFile: [messages.CompleteFileRequest, planCompleteFile],
  createDirectory: [messages.CreateDirectoryRequest, planCreateDirectory],
  rename: [messages.RenameRequest, planRename],
  remove: [messages.RemoveRequest, planRemove],
  setAttributes: [messages.SetAttributesRequest, planSetAttributes],
  addBlocks: [messages.AddBlocksRequest, planAddBlocks],
  appendFile: [messages.AppendFileRequest, planAppendFile],
  truncateFile: [messages.TruncateFileRequest, planTruncateFile],
  concat: [messages.ConcatRequest, planConcat],
} as const;

/** Makes the journal of a cluster with one leader, in memory. */
export class JournaledState {
  readonly batches: Batch[] = [];
  readonly replica: Replica;
  #timeMs = 1_700_000_000_000;
  #pending: Uint8Array[] = [];

  constructor(replica: Replica) {
    this.replica = replica;
  }

  static async begin(replica: Replica): Promise<JournaledState> {
    const journaled = new JournaledState(replica);
    journaled.append({ claim: { epoch: 1, host: 'leader:1', owner: 'root', group: 'wheel' } });
    journaled.append({ registerClient: { clientId: 1 } });
    await journaled.seal();
    return journaled;
  }

  get context(): PlanContext {
    return planContext(this.#timeMs, ADA, 1);
  }

  /** Plans and applies. @throws the refusal. */
  run(request: Request): void {
    const [type, plan] = PLANS[request.kind];
    const decoded = type.decode(type.encode(request.body as never).finish());
    this.#timeMs += 1;
    const planned = (plan as Plan<unknown>)(decoded, this.replica.state, this.context);
    if ('entry' in planned) this.append(planned.entry);
  }

  /** Applies one entry, pending. */
  append(body: EntryBody, caller: Pick<Entry, 'clientId' | 'callId' | 'lowestUnanswered'> = {}): void {
    const entry: Entry = { timeMs: this.#timeMs, ...caller, ...body };
    this.#pending.push(encodeEntry(entry));
    apply(entry, this.replica.state);
  }

  /** Ends the batch and commits it. */
  async seal(): Promise<void> {
    if (this.#pending.length === 0) return;
    const previous = this.batches.at(-1);
    const firstSn = (previous === undefined ? 1 : previous.firstSn + previous.entries.length) as Sequence;
    const hash = hashNumber(this.batches.length + 1);
    this.batches.push({
      epoch: 1 as never,
      firstSn,
      entries: this.#pending,
      previousHash: previous?.hash ?? new Uint8Array(32),
      hash,
      timeMs: this.#timeMs,
      sealed: new Uint8Array(0),
    });
    this.#pending = [];
    while (this.replica.writeBehind.full) await this.replica.writeBehind.room();
    this.replica.writeBehind.atBatchEnd();
    this.replica.committed({ sn: this.replica.state.sn as Sequence, hash }, new Uint8Array(0));
  }
}

/** @returns the same entries in batches of another size. */
export function rebatched(batches: readonly Batch[], entriesPerBatch: number): Batch[] {
  const entries = batches.flatMap((batch) => batch.entries);
  const out: Batch[] = [];
  for (let at = 0; at < entries.length; at += entriesPerBatch) {
    const part = entries.slice(at, at + entriesPerBatch);
    out.push({
      epoch: 1 as never,
      firstSn: (at + 1) as Sequence,
      entries: part,
      previousHash: new Uint8Array(32),
      hash: hashNumber(at + 1),
      timeMs: 0,
      sealed: new Uint8Array(0),
    });
  }
  return out;
}

function hashNumber(n: number): Uint8Array {
  const hash = Buffer.alloc(32);
  hash.writeUInt32BE(n, 28);
  return hash;
}
