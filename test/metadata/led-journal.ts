/** A leader without a master: plans requests as one does, and commits them to a real journal; keeps a digest of the state at every batch's end. */
import { systemClock } from '../../src/base/system-clock.js';
import { endOf, GENESIS, type Journal, type JournalWriter } from '../../src/journal/journal.js';
import { readCommitted } from '../../src/journal/read-committed.js';
import type { KvStore } from '../../src/kv/kv-store.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { type Digest, EMPTY_DIGEST } from '../../src/metadata/digest.js';
import { decodeEntry, type Entry, encodeEntry } from '../../src/metadata/entries.js';
import { Replay } from '../../src/metadata/replay.js';
import { PLANS, type Request } from './journaled-state.js';

export class LedJournal implements AsyncDisposable {
  readonly writer: JournalWriter;
  readonly #replay: Replay;
  /** The state at the end of each batch written here. */
  readonly digests = new Map<number, Digest>();
  timeMs: number;
  #pending: Entry[] = [];
  #batch: { previousHash: Uint8Array; firstSn: number };

  private constructor(writer: JournalWriter, replay: Replay, timeMs: number) {
    this.writer = writer;
    this.#replay = replay;
    this.timeMs = timeMs;
    this.#batch = { previousHash: writer.end.hash, firstSn: writer.end.sn + 1 };
  }

  /** Claims the journal. @param kv an empty store. */
  static async claim(journal: Journal, kv?: KvStore): Promise<LedJournal> {
    const store = kv ?? (await new MemoryStores().open());
    const replay = new Replay(store, { clock: systemClock, identity: journal });
    let timeMs = 1_700_000_000_000;
    const writer = await journal.claim({
      from: GENESIS,
      entry(epoch, notBeforeMs) {
        timeMs = Math.max(timeMs, notBeforeMs);
        return { bytes: encodeEntry({ timeMs, claim: { epoch, host: `leader-${epoch}:1`, owner: 'root', group: 'wheel' } }), timeMs };
      },
      deliver: (batch) => replay.apply(batch),
    });
    return new LedJournal(writer, replay, timeMs);
  }

  get sn(): number {
    return this.#replay.end.sn;
  }

  /** Plans one request against what is committed. @throws the refusal. */
  run(request: Request): void {
    const [type, plan] = PLANS[request.kind];
    this.timeMs += 1;
    const decoded = type.decode(type.encode(request.body as never).finish());
    const context = { timeMs: this.timeMs, user: 'ada', group: 'staff', blockBytesDefault: 1024 };
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
