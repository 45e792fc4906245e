/**
 * Sees whether two hosts that mount one folder keep the rules between them: who makes a name first, and "write, then look".
 *
 * The two meet in a file of two pages, `meeting`: each posts its turn in its own page and waits for the other's, so they go through the
 * same steps together. All files are made beforehand, at full size; nothing is told by a listing, a size or an absent name.
 */
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import { errnoOf, isGone, type OpenFile, PAGE_BYTES, SHARED_FILE_BYTES_MIN } from '../base/files.js';
import { systemFiles } from '../base/system-file.js';
import { sleep, throwIfAborted } from '../base/wait.js';
import { openForProbe, type ProbeDeps, type ProbeFinding, sorted, type Times, timed } from './folder-probe.js';

const ROUNDS = 60;
const POLL_MS = 1;
/** Between two turns: the other host has begun. */
const TURN_LIMIT_MS = 30_000;
const RECORD_BYTES = 512;

export interface PairReport {
  readonly otherHost: string;
  readonly findings: readonly ProbeFinding[];
  /** From the moment one host's write is durable to the other's having read it. */
  readonly readMs: Times;
  /** Of `ROUNDS` looks through the cache, those that were behind: the journal takes none. */
  readonly staleLooks: number;
}

/** The host that made the folder is 0, the one that joins is 1. */
type Seat = 0 | 1;

/** Makes the files by which two hosts meet in `folder`. */
export async function preparePair(folder: string): Promise<void> {
  const sizes = { meeting: 2 * PAGE_BYTES, contest: 2 * ROUNDS * PAGE_BYTES, 'log-0': ROUNDS * PAGE_BYTES, 'log-1': ROUNDS * PAGE_BYTES };
  for (const [name, bytes] of Object.entries(sizes)) {
    await using file = await systemFiles.open(path.join(folder, name), { write: true, create: 'exclusive' });
    await file.truncate(SHARED_FILE_BYTES_MIN + bytes);
    await file.sync();
  }
  await systemFiles.syncFolder(folder);
}

/**
 * Both hosts call this, at about the same time.
 *
 * @param waitMs how long to wait for the other host.
 * @throws `deadline_exceeded`: it did not come, or its writes cannot be seen.
 */
export async function probeAsPair(
  folder: string,
  seat: Seat,
  deps: ProbeDeps,
  { host, waitMs, signal }: { readonly host: string; readonly waitMs: number; readonly signal?: AbortSignal },
): Promise<PairReport> {
  await using meeting = await Meeting.open(folder, seat, deps.clock, waitMs, signal);
  const other = String(await meeting.exchange(host, waitMs));
  const exclusive = await raceForNames(folder, meeting, deps);
  const contest = await writeThenLook(folder, seat, meeting);
  const log = await readOthersLog(folder, seat, meeting, deps.clock);
  await meeting.exchange('done');
  return { otherHost: other, findings: [exclusive, contest, log.finding], readMs: log.readMs, staleLooks: log.staleLooks };
}

/** Two claimants that take the same number: one of them has to be told. */
async function raceForNames(folder: string, meeting: Meeting, { clock, random }: ProbeDeps): Promise<ProbeFinding> {
  const mine: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await meeting.exchange(round);
    if (round % 2 === 0) await sleep(clock, random.float() * 4);
    mine.push(await createOnce(path.join(folder, `race-${round}`)));
  }
  const theirs = (await meeting.exchange(mine)) as string[];
  const twice = mine.filter((outcome, round) => outcome === 'won' && theirs[round] === 'won').length;
  const never = mine.filter((outcome, round) => outcome !== 'won' && theirs[round] !== 'won').length;
  const what = 'exclusive create between hosts';
  if (twice > 0) {
    const advice =
      'two masters could take one epoch: use a file system whose O_EXCL holds between hosts (NFS 3 or later, GlusterFS, CephFS)';
    return { what, holds: false, says: `both hosts made the same name, ${twice} of ${ROUNDS} times: ${advice}` };
  }
  if (never > 0) {
    const errors = [...new Set([...mine, ...theirs])].filter((outcome) => outcome !== 'won' && outcome !== 'lost').join(', ');
    return {
      what,
      holds: false,
      says: `no host could make a name, ${never} of ${ROUNDS} times (${errors}): the storage has to take new names`,
    };
  }
  return { what, holds: true, says: `one host of two made each of ${ROUNDS} names` };
}

async function createOnce(name: string): Promise<string> {
  try {
    await (await systemFiles.open(name, { write: true, create: 'exclusive' })).close();
    return 'won';
  } catch (error) {
    return errnoOf(error) === 'EEXIST' ? 'lost' : (errnoOf(error) ?? 'failed');
  }
}

/** A leader writes its log and then looks at its fence; a claimant writes the fence and then looks at the log. One has to see the other. */
async function writeThenLook(folder: string, seat: Seat, meeting: Meeting): Promise<ProbeFinding> {
  const name = path.join(folder, 'contest');
  await using writing = await systemFiles.open(name, { write: true });
  await using reading = await openForProbe(name);
  await using cached = await systemFiles.open(name);
  const page = systemFiles.buffers.take(PAGE_BYTES);
  const saw: boolean[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const at = (by: number): number => (2 * round + by) * PAGE_BYTES;
      await cached.readExactly(page, at(1 - seat)); // as a standby would: it leaves zeros in the cache
      await meeting.exchange(round);
      await writing.writeAll(Buffer.alloc(PAGE_BYTES, 1), at(seat));
      await writing.dataSync();
      await reading.readExactly(page, at(1 - seat));
      saw.push(page[0] === 1);
    }
  } finally {
    systemFiles.buffers.give(page);
  }
  const theySaw = (await meeting.exchange(saw)) as boolean[];
  const blind = saw.filter((mine, round) => !mine && theySaw[round] === false).length;
  const what = 'write, then look';
  if (blind === 0) return { what, holds: true, says: `of two hosts that wrote at once, one saw the other, ${ROUNDS} of ${ROUNDS} times` };
  const advice =
    'acknowledged changes could be lost: a client answers O_DIRECT reads from a cache, or syncs return too early: turn that off';
  return { what, holds: false, says: `neither host saw what the other had written and synced, ${blind} of ${ROUNDS} times: ${advice}` };
}

/** What one host has appended and synced, the other has to read; the cache that it goes past has seen zeros there before. */
async function readOthersLog(
  folder: string,
  seat: Seat,
  meeting: Meeting,
  clock: Clock,
): Promise<{ finding: ProbeFinding; readMs: Times; staleLooks: number }> {
  const [mine, theirs] = [path.join(folder, `log-${seat}`), path.join(folder, `log-${1 - seat}`)];
  await using writing = await systemFiles.open(mine, { write: true });
  await using reading = await openForProbe(theirs);
  await using cached = await systemFiles.open(theirs);
  const page = systemFiles.buffers.take(PAGE_BYTES);
  const readMs: number[] = [];
  let [missed, staleLooks] = [0, 0];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const at = round * RECORD_BYTES;
      const from = Math.floor(at / PAGE_BYTES) * PAGE_BYTES;
      const isThere = (): boolean => page.subarray(at - from, at - from + RECORD_BYTES).every((byte) => byte === 1 + round);
      await cached.readExactly(page, from);
      await meeting.exchange(round);
      await writing.writeAll(Buffer.alloc(RECORD_BYTES, 1 + round), at);
      await writing.dataSync();
      await meeting.exchange(round);
      await cached.readExactly(page, from);
      if (!isThere()) staleLooks += 1;
      readMs.push(await timed(clock, () => reading.readExactly(page, from)));
      if (!isThere()) missed += 1;
    }
  } finally {
    systemFiles.buffers.give(page);
  }
  const missedInAll = missed + Number(await meeting.exchange(missed));
  const what = "reading the other host's log";
  const says =
    missedInAll === 0
      ? `all ${2 * ROUNDS} records that were synced were read at once`
      : `${missedInAll} of ${2 * ROUNDS} records that were synced were not read: a claimant could miss acknowledged changes: O_DIRECT has to ask the server`;
  return { finding: { what, holds: missedInAll === 0, says }, readMs: sorted(readMs), staleLooks };
}

/** Two pages, one a host: [CRC-32 4][bytes 4][JSON: the turn, its value and the value of the turn before]. */
class Meeting implements AsyncDisposable {
  readonly #writing: OpenFile;
  readonly #reading: OpenFile;
  readonly #seat: Seat;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  #turn = 0;
  #before: unknown = null;

  private constructor(files: readonly [OpenFile, OpenFile], seat: Seat, clock: Clock, signal: AbortSignal | undefined) {
    [this.#writing, this.#reading] = files;
    this.#seat = seat;
    this.#clock = clock;
    this.#signal = signal;
  }

  static async open(folder: string, seat: Seat, clock: Clock, waitMs: number, signal: AbortSignal | undefined): Promise<Meeting> {
    const name = path.join(folder, 'meeting');
    const until = clock.monotonicMs() + waitMs;
    for (;;) {
      try {
        const writing = await systemFiles.open(name, { write: true });
        return new Meeting([writing, await openForProbe(name)], seat, clock, signal);
      } catch (error) {
        // The name is there: this host's cache may not know it yet.
        if (!isGone(error) || clock.monotonicMs() > until) throw error;
        await sleep(clock, 100, signal);
      }
    }
  }

  /** Posts `value` as this turn's and waits for the other's. @returns that. */
  async exchange(value: unknown, limitMs = TURN_LIMIT_MS): Promise<unknown> {
    this.#turn += 1;
    await this.#post({ turn: this.#turn, value, before: this.#before });
    this.#before = value;
    const until = this.#clock.monotonicMs() + limitMs;
    for (;;) {
      throwIfAborted(this.#signal);
      const post = await this.#look();
      if (post !== undefined && post.turn >= this.#turn) return post.turn === this.#turn ? post.value : post.before;
      if (this.#clock.monotonicMs() > until) {
        throw new UnderstudyError(
          'deadline_exceeded',
          `the other host did not come, or what it writes cannot be seen here: file=${this.#reading.path}`,
        );
      }
      await sleep(this.#clock, POLL_MS, this.#signal);
    }
  }

  async #post(post: Post): Promise<void> {
    const json = Buffer.from(JSON.stringify(post));
    const page = Buffer.alloc(PAGE_BYTES);
    page.writeUInt32LE(crc32(json), 0);
    page.writeUInt32LE(json.length, 4);
    json.copy(page, 8);
    await this.#writing.writeAll(page, this.#seat * PAGE_BYTES);
    await this.#writing.dataSync();
  }

  /** @returns undefined where nothing whole stands there. */
  async #look(): Promise<Post | undefined> {
    const page = systemFiles.buffers.take(PAGE_BYTES);
    try {
      await this.#reading.readExactly(page, (1 - this.#seat) * PAGE_BYTES);
      const json = page.subarray(8, 8 + Math.min(page.readUInt32LE(4), PAGE_BYTES - 8));
      if (json.length === 0 || crc32(json) !== page.readUInt32LE(0)) return undefined;
      return JSON.parse(json.toString()) as Post;
    } finally {
      systemFiles.buffers.give(page);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#writing.close(), this.#reading.close()]);
  }
}

interface Post {
  readonly turn: number;
  readonly value: unknown;
  readonly before: unknown;
}
