/**
 * What this machine can do at most: each step of the real work, bare, measured once in the same run and in the same folder.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { KvStore } from '../src/kv/kv-store.js';
import { LevelStores } from '../src/kv/level-store.js';
import { killProcess, tracked } from '../test/servers/processes.js';
import { HttpLoader } from './http-loader.js';
import { LoadClient } from './load-client.js';
import { residentMemory } from './resident-memory.js';

/** Bytes that an entry has in the journal, and an answer that carries an inode, roughly. */
const ENTRY_BYTES = 128;
const ANSWER_BYTES = 96;
const LEVEL_SETTINGS = { writeBufferBytes: 16 << 20, cacheBytes: 64 << 20 };
const KEY_BYTES = 24;
const ROW_BYTES = 80;
const ROWS_PER_WRITE = 1_000;
const TURNS = 3;

export interface LevelFloor {
  readonly putsPerSecond: number;
  readonly getsPerSecond: number;
  readonly scannedPerSecond: number;
}

export class Floors implements AsyncDisposable {
  readonly #folder: string;
  readonly #measureMs: number;
  readonly #known = new Map<string, Promise<unknown>>();
  #echo: Promise<{ readonly child: ChildProcess; readonly client: LoadClient }> | undefined;

  constructor(parent: string, measureMs: number) {
    this.#folder = mkdtempSync(path.join(parent, 'floors-'));
    this.#measureMs = measureMs;
  }

  /** Frames there and back between two processes, a second. */
  echo(inFlight: number, answerBytes = ANSWER_BYTES): Promise<number> {
    return this.#once(`echo ${inFlight} ${answerBytes}`, async () => {
      const { client } = await this.#echoing();
      return this.#best(async (measureMs) => {
        const { calls, seconds } = await client.run({
          ...{ operation: 'echo', base: '', perDirectory: answerBytes, from: 0, to: 1, around: true },
          ...{ inFlight, warmUpMs: measureMs / 4, measureMs },
        });
        return calls / seconds;
      });
    });
  }

  /** Answers a second of a server that does nothing else, of so many bytes each, to as many connections as that, one request in flight on each. */
  http(connections: number, answerBytes: number): Promise<number> {
    return this.#once(`http ${connections} ${answerBytes}`, async () => {
      const child = tracked(fork(path.join(import.meta.dirname, 'http-floor-process.js')));
      await using loader = new HttpLoader();
      const [port] = (await once(child, 'message')) as [number];
      try {
        return await this.#best(async (measureMs) => {
          const load = { port, targets: [`/${answerBytes}`], connections, warmUpMs: measureMs / 4, measureMs };
          const { answers, seconds } = await loader.run(load);
          return answers / seconds;
        });
      } finally {
        await killProcess(child);
      }
    });
  }

  /** Times a second that `value` is made into JSON. */
  stringify(value: unknown): Promise<number> {
    return this.#best(async (measureMs) => rate(measureMs, () => Math.sign(JSON.stringify(value).length)));
  }

  /** Journal entries a second, in writes of `entries` of them, each with its fdatasync. */
  append(entries: number): Promise<number> {
    return this.#once(`append ${entries}`, async () => {
      const batch = Buffer.alloc(entries * ENTRY_BYTES, 1);
      const file = openSync(path.join(this.#folder, 'appends'), 'w');
      const perSecond = await this.#best(async (measureMs) =>
        rate(measureMs, () => {
          writeSync(file, batch);
          fdatasyncSync(file);
          return entries;
        }),
      );
      closeSync(file);
      return perSecond;
    });
  }

  /** Bytes a second, written to one file from its beginning to its end and made durable then. */
  sequentialBytes(): Promise<number> {
    return this.#once('sequential', async () => {
      const piece = Buffer.alloc(1 << 20, 1);
      const perSecond = await this.#best(async (measureMs) => {
        const file = openSync(path.join(this.#folder, 'sequential'), 'w');
        const startMs = performance.now();
        let bytes = 0;
        while (performance.now() - startMs < measureMs) bytes += writeSync(file, piece);
        fdatasyncSync(file);
        const seconds = (performance.now() - startMs) / 1_000;
        closeSync(file);
        return bytes / seconds;
      });
      rmSync(path.join(this.#folder, 'sequential'));
      return perSecond;
    });
  }

  /** Rows of the size that inodes have, put in batches, got singly at random, scanned in order. */
  level(): Promise<LevelFloor> {
    return this.#once('level', async () => {
      const stores = new LevelStores(path.join(this.#folder, 'level'), LEVEL_SETTINGS);
      await using store = await stores.open();
      return await this.#measureLevel(store);
    });
  }

  /** Resident MiB of a process that has the RPC layer loaded and nothing else. */
  memory(): Promise<number> {
    return this.#once('memory', async () => residentMemory((await this.#echoing()).child.pid ?? 0).nowMiB);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const echo = await this.#echo;
    await echo?.client[Symbol.asyncDispose]();
    if (echo !== undefined) await killProcess(echo.child);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #once<T>(what: string, measure: () => Promise<T>): Promise<T> {
    const known = this.#known.get(what) ?? measure();
    this.#known.set(what, known);
    return known as Promise<T>;
  }

  #echoing(): Promise<{ readonly child: ChildProcess; readonly client: LoadClient }> {
    this.#echo ??= (async () => {
      const child = tracked(fork(path.join(import.meta.dirname, 'echo-process.js')));
      const [address] = (await once(child, 'message')) as [string];
      return { child, client: await LoadClient.start({ masters: [address] }) };
    })();
    return this.#echo;
  }

  /** @returns the best of several turns: what else the machine did meanwhile is no part of a floor. */
  async #best(measure: (measureMs: number) => Promise<number>): Promise<number> {
    let best = 0;
    for (let turn = 0; turn < TURNS; turn++) best = Math.max(best, await measure(this.#measureMs / TURNS));
    return best;
  }

  async #measureLevel(store: KvStore): Promise<LevelFloor> {
    let rows = 0;
    const putsPerSecond = await this.#best((measureMs) =>
      rate(measureMs, async () => {
        const first = rows;
        rows += ROWS_PER_WRITE;
        const put = (_: unknown, at: number) => ({ type: 'put', key: rowKey(first + at), value: rowValue() }) as const;
        await store.write(Array.from({ length: ROWS_PER_WRITE }, put));
        return ROWS_PER_WRITE;
      }),
    );
    let got = 0;
    const getsPerSecond = await this.#best((measureMs) =>
      rate(measureMs, () => {
        for (let at = 0; at < ROWS_PER_WRITE; at++) store.get(rowKey((got++ * 7_919) % rows));
        return ROWS_PER_WRITE;
      }),
    );
    return { putsPerSecond, getsPerSecond, scannedPerSecond: await this.#best((measureMs) => rate(measureMs, () => scan(store))) };
  }
}

/** @returns how many a second of what `work` does, again and again, for that long. */
async function rate(measureMs: number, work: () => number | Promise<number>): Promise<number> {
  let done = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < measureMs) {
    const some = work();
    done += typeof some === 'number' ? some : await some;
  }
  return done / ((performance.now() - startMs) / 1000);
}

/** @returns how many rows the store has. */
async function scan(store: KvStore): Promise<number> {
  let scanned = 0;
  const snapshot = store.snapshot();
  try {
    for await (const rows of snapshot.rows({ gte: Buffer.alloc(0), lt: Buffer.alloc(KEY_BYTES, 255) }, ROWS_PER_WRITE))
      scanned += rows.length;
  } finally {
    await snapshot.close();
  }
  return scanned;
}

/** In no order, as the rows of many directories come. */
function rowKey(index: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeUInt32BE(Math.imul(index, 0x9e3779b1) >>> 0);
  key.writeUInt32BE(index, KEY_BYTES - 4);
  return key;
}

function rowValue(): Buffer {
  return Buffer.alloc(ROW_BYTES, 1);
}
