/** A leader without a master: plans requests as one does, and commits them to a real journal; keeps a digest of the state at every batch's end. */
import type { Epoch, Sequence } from '../../src/base/ids.js';
import { systemClock } from '../../src/base/system-clock.js';
import { endOf, GENESIS, type Journal, type JournalWriter } from '../../src/journal/journal.js';
import { readCommitted } from '../../src/journal/read-committed.js';
import type { KvStore } from '../../src/kv/kv-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { CheckpointReader } from '../../src/metadata/checkpoint-reader.js';
import { encodeCheckpoint } from '../../src/metadata/checkpoint-writer.js';
import { type Digest, DigestSum, EMPTY_DIGEST } from '../../src/metadata/digest.js';
import { decodeEntry, type Entry, encodeEntry } from '../../src/metadata/entries.js';
import { STATE_RANGE } from '../../src/metadata/keys.js';
import { loadCheckpoint } from '../../src/metadata/load-checkpoint.js';
import type { CheckpointRecord } from '../../src/metadata/records.js';
import { Replay } from '../../src/metadata/replay.js';
import { planContext } from './identities.js';
import { PLANS, type Request } from './journaled-state.js';

export class LedJournal implements AsyncDisposable {
  readonly writer: JournalWriter;
  readonly #journal: Journal;
  readonly #kv: KvStore;
  readonly #replay: Replay;
  #checkpoints: CheckpointRecord[] = [];
  #told = { ofSn: 0, low: 0, high: 0 };
  /** The state at the end of each batch written here. */
  readonly digests = new Map<number, Digest>();
  timeMs: number;
  #pending: Entry[] = [];
  #batch: { previousHash: Uint8Array; firstSn: number };

  private constructor(journal: Journal, kv: KvStore, writer: JournalWriter, replay: Replay, timeMs: number) {
    this.#journal = journal;
    this.#kv = kv;
    this.writer = writer;
    this.#replay = replay;
    this.timeMs = timeMs;
    this.#checkpoints = [...replay.state.retention().checkpoints];
    this.#batch = { previousHash: writer.end.hash, firstSn: writer.end.sn + 1 };
  }

  /** Claims the journal. @param kv an empty store. */
  static async claim(journal: Journal, kv?: KvStore): Promise<LedJournal> {
    const store = kv ?? (await new MemoryStores().open());
    const { boundary, checkpoints } = await journal.checkpoints.published();
    if (boundary !== null && checkpoints[0] !== undefined) {
      await using reader = await CheckpointReader.open(journal.checkpoints.read(checkpoints[0]));
      await loadCheckpoint(store, reader, journal, () => Promise.resolve());
    }
    const replay = new Replay(store, { clock: systemClock, identity: journal });
    let timeMs = 1_700_000_000_000;
    const writer = await journal.claim({
      from: replay.end,
      entry(epoch, notBeforeMs) {
        timeMs = Math.max(timeMs, notBeforeMs);
        return { bytes: encodeEntry({ timeMs, claim: { epoch, host: `leader-${epoch}:1`, owner: 'root', group: 'wheel' } }), timeMs };
      },
      deliver: (batch) => replay.apply(batch),
    });
    return new LedJournal(journal, store, writer, replay, timeMs);
  }

  get sn(): number {
    return this.#replay.end.sn;
  }

  /** Plans one request against what is committed. @throws the refusal. */
  run(request: Request): void {
    const [type, plan] = PLANS[request.kind];
    this.timeMs += 1;
    const decoded = type.decode(type.encode(request.body as never).finish());
    const context = planContext(this.timeMs);
    const planned = (plan as (request: unknown, state: unknown, context: unknown) => { entry?: Entry })(
      decoded,
      this.#replay.state,
      context,
    );
    if (planned.entry !== undefined) this.append(planned.entry);
  }

  append(entry: Entry): void {
    this.#pending.push({ timeMs: this.timeMs, ...entry });
  }

  /** Commits what is pending as one batch, and applies it. */
  async commit(): Promise<void> {
    const entries = this.#pending.splice(0).map(encodeEntry);
    const { previousHash, firstSn } = this.#batch;
    const end = await this.writer.append(entries, this.timeMs);
    const { epoch } = this.writer;
    const sealed = Uint8Array.from(end.sealed);
    await this.#replay.apply({ epoch, firstSn: firstSn as never, entries, previousHash, hash: end.hash, timeMs: this.timeMs, sealed });
    this.#batch = { previousHash: end.hash, firstSn: end.sn + 1 };
    this.digests.set(end.sn, (await this.#replay.digest()).digest);
  }

  /** One batch of `count` files in a directory of their own. */
  async files(directory: string, count: number): Promise<void> {
    this.run({ kind: 'createDirectory', body: { path: directory, recursive: true } });
    await this.commit();
    for (let i = 0; i < count; i++) {
      this.run({ kind: 'createFile', body: { path: `${directory}/file-${i}`, recursive: false } });
      // Ids are handed out as entries are applied: one batch each.
      await this.commit();
    }
  }

  /** Tells the digest of the last boundary, and announces another, as a leader does now and then. */
  async tellDigest(told = this.#told): Promise<void> {
    this.append({ digest: told });
    await this.commit();
    this.#told = { ofSn: this.sn, ...(this.digests.get(this.sn) as Digest) };
  }

  /**
   * Stores the state as a checkpoint. Of more than `kept` it keeps the newest, and the log behind them, and collects the rest.
   *
   * @param extra a row that the state has not, and the checkpoint has.
   */
  async checkpoint(kept: number, extra?: readonly [key: Uint8Array, value: Uint8Array]): Promise<CheckpointRecord> {
    const { sn, digest: sound } = await this.#replay.digest();
    const sum = new DigestSum(sound);
    if (extra !== undefined) sum.add(...extra);
    const digest = sum.value();
    const { hash } = this.#replay.end;
    const { epoch, timeMs, leaderAddress } = this.#replay.state;
    const head = { clusterId: this.#journal.clusterId, sn, hash, epoch, timeMs, leaderAddress, digest };
    const snapshot = this.#kv.snapshot();
    const rows = async function* () {
      yield* snapshot.rows(STATE_RANGE, 100);
      if (extra !== undefined) yield [extra];
    };
    const chunks = encodeCheckpoint(head, rows(), async () => undefined);
    const stored = await this.#journal.checkpoints.write(sn as Sequence, chunks);
    await snapshot.close();
    const record = { sn, hash: Uint8Array.from(hash), id: Buffer.from(stored.id, 'hex'), epoch, bytes: stored.bytes, madeMs: this.timeMs };
    this.#checkpoints = [record, ...this.#checkpoints];
    const isFull = this.#checkpoints.length > kept;
    const oldest = isFull ? this.#checkpoints[kept - 1] : undefined;
    this.#checkpoints.length = Math.min(this.#checkpoints.length, kept);
    const { sn: boundarySn = 0, epoch: boundaryEpoch = 0, hash: boundaryHash = new Uint8Array(0) } = oldest ?? {};
    this.append({ retention: { checkpoints: this.#checkpoints, boundaryEpoch, boundarySn, boundaryHash } });
    await this.commit();
    await this.writer.retain({
      checkpoints: this.#checkpoints.map((one) => ({ sn: one.sn as Sequence, id: Buffer.from(one.id).toString('hex') })),
      boundary: oldest === undefined ? null : { epoch: boundaryEpoch as Epoch, point: { sn: boundarySn as Sequence, hash: boundaryHash } },
    });
    return record;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer.close();
    await this.#replay.close();
  }
}

/** @returns the digest of a replay of `journal` up to and with entry `sn`, whatever batches it is in. */
export async function digestOfReplay(journal: Journal, sn: number): Promise<Digest> {
  const replay = new Replay(await new MemoryStores().open(), { clock: systemClock, identity: journal });
  let previousHash = GENESIS.hash;
  let digest = EMPTY_DIGEST;
  for await (const batch of readCommitted(journal, GENESIS)) {
    if (batch.firstSn > sn) break;
    const entries = batch.entries.slice(0, sn - batch.firstSn + 1);
    entries.forEach((bytes, at) => void decodeEntry(bytes, batch.firstSn + at));
    await replay.apply({ ...batch, entries, previousHash });
    previousHash = endOf(batch).hash;
    digest = (await replay.digest()).digest;
  }
  await replay.close();
  return digest;
}
