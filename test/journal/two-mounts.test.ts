/**
 * "Write, then look" between two hosts: one process appends as fast as it can on one mount of a GlusterFS volume, another claims on the other
 * mount at random moments. What was acknowledged has to be in the claimant's chain, and the writer has to find out that it is fenced.
 *
 * The same with reads through the clients' caches has to fail: else this would not try what it says.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { deferred, sleep } from '../../src/base/wait.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import type { DirectoryJournalSettings } from '../../src/journal/directory-layout.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { type ChainPoint, endOf, GENESIS } from '../../src/journal/journal.js';
import { bytesOf } from '../contract/journal-contract.js';
import { describeOnGluster } from '../servers/describe-on-gluster.js';
import { GlusterVolume } from '../servers/gluster.js';
import { killProcess, tracked } from '../servers/processes.js';
import { compileJournal } from './compiled-sources.js';

const deps = { files: systemFiles, clock: systemClock, random: systemRandom, log: silentLog };
const ROUNDS = 100;
const CACHED_ROUNDS_MIN = 3;
const CACHED_LIMIT_MS = 90_000;
/** A journal that is broken may keep those who write it waiting for ever: such a round shows nothing. */
const CACHED_ROUND_LIMIT_MS = 8_000;
const FENCED_LIMIT_MS = 500;

interface Ended {
  readonly sn: number;
  readonly hash: string;
  readonly death?: string;
  readonly count: number;
  readonly ms: number;
}

interface Outcome {
  rounds: number;
  /** Rounds after which a record that was acknowledged is not in the claimant's chain. */
  lost: number;
  /** Rounds in which the writer went on although it was fenced. */
  unfenced: number;
  appends: number;
  appendMs: number;
}

let volume: GlusterVolume;
let sources: string;

/** The process that appends. */
class Writer implements AsyncDisposable {
  readonly #child: ChildProcess;
  #started = deferred<void>();
  #ended = deferred<Ended>();

  constructor(settings: DirectoryJournalSettings) {
    this.#child = tracked(fork(path.join(import.meta.dirname, 'two-mount-child.mjs'), [sources, JSON.stringify(settings)]));
    this.#child.on('message', (message: { event: string; error?: string } & Ended) => {
      if (message.event === 'started') this.#started.resolve();
      if (message.event === 'ended') this.#ended.resolve(message);
      if (message.event === 'failed') this.#started.reject(new Error(message.error));
    });
  }

  async ready(): Promise<void> {
    await once(this.#child, 'message');
  }

  /** Claims and begins to append. */
  async start(): Promise<void> {
    this.#started = deferred();
    this.#ended = deferred();
    this.#child.send('claim');
    await this.#started.promise;
  }

  /** Waits until it has noticed its fence; stops it where it does not. */
  async end(): Promise<Ended> {
    const stop = setTimeout(() => this.#child.send('stop'), FENCED_LIMIT_MS);
    const ended = await this.#ended.promise;
    clearTimeout(stop);
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killProcess(this.#child);
  }
}

/** Claims on the second mount while the writer appends on the first, so many times. */
async function contest(name: string, rounds: number, some: Partial<DirectoryJournalSettings> = {}): Promise<Outcome> {
  const [here, there] = volume.mounts;
  const settings = { segmentBytes: 1 << 20, batchBytesMax: 64 << 10, freeBytesReserve: 0, pollIntervalMs: 5, ...some };
  await formatDirectoryJournal({ ...settings, folder: path.join(there, name) }, deps);
  await using writer = new Writer({ ...settings, folder: path.join(here, name) });
  await writer.ready();
  await using journal = await DirectoryJournal.open({ ...settings, folder: path.join(there, name) }, deps);
  const outcome: Outcome = { rounds: 0, lost: 0, unfenced: 0, appends: 0, appendMs: 0 };
  let from = GENESIS;
  for (; outcome.rounds < rounds; outcome.rounds++) {
    await writer.start();
    from = await follow(journal, from, 2 + Math.random() * 25); // a standby's reads are what fills the caches
    const chain = new Map([[from.sn as number, hex(from.hash)]]);
    const claimed = await journal.claim({
      from,
      entry: () => ({ bytes: bytesOf('claim'), timeMs: 1 }),
      deliver: (batch) => {
        from = endOf(batch);
        chain.set(from.sn, hex(from.hash));
      },
    });
    const ended = await writer.end();
    await claimed.close();
    if (ended.death !== 'fenced') outcome.unfenced += 1;
    if (chain.get(ended.sn) !== ended.hash) outcome.lost += 1;
    outcome.appends += ended.count;
    outcome.appendMs += ended.ms;
  }
  return outcome;
}

/** Reads for so long. @returns where the chain then stands. */
async function follow(journal: DirectoryJournal, from: ChainPoint, ms: number): Promise<ChainPoint> {
  const stop = new AbortController();
  const stopped = sleep(systemClock, ms).then(() => stop.abort());
  let end = from;
  for await (const batch of journal.read({ from, signal: stop.signal })) end = endOf(batch);
  await stopped;
  return end;
}

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');

describeOnGluster('two mounts', () => {
  beforeAll(async () => {
    sources = await mkdtemp(path.join(tmpdir(), 'understudy-two-mounts-'));
    await compileJournal(sources);
    volume = await GlusterVolume.start();
  });
  afterAll(async () => {
    await volume.close();
    await rm(sources, { recursive: true, force: true });
  });

  test('a leader on one host, claimants on the other: nothing acknowledged is lost, the leader finds out each time', async () => {
    const outcome = await contest('direct', ROUNDS);
    console.info('read from the storage:', JSON.stringify(outcome));
    expect(outcome).toMatchObject({ rounds: ROUNDS, lost: 0, unfenced: 0 });
    expect(outcome.appends, 'appends that were under way').toBeGreaterThan(ROUNDS);
  }, 120_000);

  test('the same with reads from the caches, as if the file system were local: acknowledged records are lost', async () => {
    let [lost, unfenced] = [0, 0];
    const untilMs = performance.now() + CACHED_LIMIT_MS;
    for (let i = 0; i < CACHED_ROUNDS_MIN || ((lost === 0 || unfenced === 0) && performance.now() < untilMs); i++) {
      const round = contest(`cached-${i}`, 1, { isShared: false }).catch(() => undefined); // a journal each: a broken one may not be claimed again
      const outcome = await Promise.race([round, sleep(systemClock, CACHED_ROUND_LIMIT_MS)]);
      lost += outcome?.lost ?? 0;
      unfenced += outcome?.unfenced ?? 0;
    }
    console.info(`read from the caches: lost=${lost} unfenced=${unfenced}`);
    expect(lost).toBeGreaterThan(0);
    expect(unfenced).toBeGreaterThan(0);
  }, 120_000);
});
