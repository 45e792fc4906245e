/**
 * Size: trees of a million inodes, a directory of millions of children, paths of 256 components, many renames between two directories; on a
 * master with its real journal and store. Nobody's call is held up for longer than 100 ms by it, and memory does not follow the size.
 *
 * The figures are printed.
 */
import os from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileSystem } from '../../src/client/file-system.js';
import { HoldUp } from './hold-up.js';
import { PacedCalls } from './paced-calls.js';
import { ScaleMaster } from './scale-master.js';

const HOLD_UP_MS = 100;
const ANSWER_MS = 5;
const CHILDREN = 5_000_000;
/** How much of the directory is seen to be reaped; with LONG=1 in the environment all of it. */
const REAPED = process.env.LONG === '1' ? CHILDREN : 1_000_000;
const TREE_DIRECTORIES = 1_000;
const TREE_FILES = 1_000;
const MIB = 1024 * 1024;
const TIMEOUT_MS = 900_000;

let master: ScaleMaster;
let fs: FileSystem;
let holdUp: HoldUp;
let paced: PacedCalls;

beforeAll(async () => {
  master = await ScaleMaster.start();
  fs = master.client();
  await fs.createDirectory('/paced');
  // So that no first time of anything is measured.
  for (let i = 0; i < 200; i++) await fs.createFile(`/warm/f${i}`, { recursive: true, completeLength: 1 });
  await fs.remove('/warm', { recursive: true });
  holdUp = new HoldUp();
  paced = new PacedCalls(master.client());
}, 60_000);
afterAll(async () => {
  holdUp?.stop();
  await paced?.stop();
  await master?.[Symbol.asyncDispose]();
}, 60_000);

/** Does it beside paced calls of others. */
async function measure<T>(what: string, work: () => Promise<T>): Promise<{ result: T; heldMs: number }> {
  globalThis.gc?.();
  const { heapUsed } = process.memoryUsage();
  holdUp.take();
  paced.take();
  const beganMs = performance.now();
  const result = await work();
  const ms = performance.now() - beganMs;
  const heldMs = holdUp.take();
  const { longestMs, calls } = paced.take();
  const heapMiB = (process.memoryUsage().heapUsed - heapUsed) / MIB;
  console.log(
    `${what}: ${ms.toFixed(1)} ms; longest hold-up ${heldMs.toFixed(1)} ms; ` +
      `${calls} calls of others meanwhile, the longest ${longestMs.toFixed(1)} ms; heap ${heapMiB.toFixed(0)} MiB more`,
  );
  return { result, heldMs };
}

/**
 * As `measure`. Nobody is held up for long.
 *
 * @param goes of work that can be done over: as often at most, until once nobody was. The processors are others' too.
 */
async function measured<T>(what: string, work: () => Promise<T>, goes = 1): Promise<T> {
  for (let go = 1; ; go++) {
    const { result, heldMs } = await measure(what, work);
    const limitMs = isCrowded() ? 2 * HOLD_UP_MS : HOLD_UP_MS;
    if (heldMs >= limitMs && go < goes) continue;
    expect.soft(heldMs, `hold-up: ${what}`).toBeLessThan(limitMs);
    return result;
  }
}

/** Others use the processors so much that the caches are theirs, too: the same work takes up to twice the processor time then. */
function isCrowded(): boolean {
  return (os.loadavg()[0] ?? 0) > 2 * os.cpus().length;
}

const padded = (prefix: string) => (at: number) => `${prefix}${String(at).padStart(8, '0')}`;

describe('a tree of 1,000,000 inodes', () => {
  beforeAll(async () => {
    await fs.createDirectory('/tree');
    await measure('making it', async () => {
      await master.fill('/tree', TREE_DIRECTORIES, padded('d'), true);
      for (let at = 0; at < TREE_DIRECTORIES; at++) await master.fill(`/tree/${padded('d')(at)}`, TREE_FILES, padded('f'));
    });
  }, TIMEOUT_MS);

  test('count: at once', async () => {
    const summary = await measured('count', () => fs.contentSummary('/tree'));
    expect(summary).toMatchObject({ files: TREE_DIRECTORIES * TREE_FILES, directories: TREE_DIRECTORIES + 1 });
  });

  test('list -R: all of it, in order', { timeout: TIMEOUT_MS }, async () => {
    const list = async () => {
      let count = 0;
      let last = '';
      for await (const { entries } of fs.listPages('/tree', { recursive: true })) {
        for (const { path } of entries) {
          if (path <= last) throw new Error(`not in order: ${last} ${path}`);
          last = path;
        }
        count += entries.length;
      }
      expect(count).toBe(TREE_DIRECTORIES * (TREE_FILES + 1));
    };
    await measured('list -R', list, 3);
  });

  test('rename: answered at once', async () => {
    const there = () => fs.rename('/tree', '/moved');
    const back = () => fs.rename('/moved', '/tree');
    await expectQuick('rename of the tree', [there, back, there, back]);
  });

  test('remove: answered at once, reaped while others work', { timeout: TIMEOUT_MS }, async () => {
    const before = await master.storedRows('p');
    await expectQuick('remove of the tree', [() => fs.remove('/tree', { recursive: true })]);
    await measured('reaping the tree', () => master.reaped());
    expect(await master.storedRows('p')).toBeLessThanOrEqual(before - TREE_DIRECTORIES * (TREE_FILES + 1));
  });
});

/** The best of some, for the journal's disk is others' too. */
async function expectQuick(what: string, changes: readonly (() => Promise<unknown>)[]): Promise<void> {
  const emptyMs: number[] = [];
  for (let at = 0; at < 10; at++) {
    await fs.createDirectory('/small');
    const beganMs = performance.now();
    await fs.remove('/small');
    emptyMs.push(performance.now() - beganMs);
  }
  const changeMs: number[] = [];
  for (const change of changes) {
    const beganMs = performance.now();
    await change();
    changeMs.push(performance.now() - beganMs);
  }
  const ms = Math.min(...changeMs);
  const slowestMs = Math.max(...emptyMs);
  console.log(`${what}: ${ms.toFixed(2)} ms; of an empty directory: ${Math.min(...emptyMs).toFixed(2)} to ${slowestMs.toFixed(2)} ms`);
  expect(ms).toBeLessThan(ANSWER_MS + slowestMs);
}

describe('a path of 256 components', () => {
  const path = (name: string, depth = 256) => Array.from({ length: depth }, (_, at) => `/${name}${at}`).join('');

  test('make, look at, rename, list, count, remove: no longer than elsewhere', { timeout: TIMEOUT_MS }, async () => {
    await measured('100 paths made', async () => {
      for (let at = 0; at < 100; at++) await fs.createDirectory(path(`p${at}-`), { recursive: true });
    });
    const deep = path('p0-');
    await measured('1,000 files in the last one', async () => {
      for (let at = 0; at < 1_000; at++) await fs.createFile(`${deep}/f${at}`, { completeLength: 1 });
    });
    await measured('1,000 looks', async () => {
      for (let at = 0; at < 1_000; at++) await fs.getStatus(`${deep}/f${at}`);
    });
    await measured('500 renames there and back', async () => {
      for (let at = 0; at < 500; at++) {
        await fs.rename(`${deep}/f${at}`, `${path('p1-')}/g${at}`);
        await fs.rename(`${path('p1-')}/g${at}`, `${deep}/f${at}`);
      }
    });
    await measured('list -R', async () => {
      let count = 0;
      for await (const { entries } of fs.listPages('/p0-0', { recursive: true })) count += entries.length;
      expect(count).toBe(255 + 1_000);
    });
    expect(await fs.contentSummary('/p0-0')).toMatchObject({ files: 1_000, directories: 256 });
    await measured('reaping 100 paths', async () => {
      for (let at = 0; at < 100; at++) await fs.remove(`/p${at}-0`, { recursive: true });
      await master.reaped();
    });
  });
});

describe('a storm of renames between two directories', () => {
  const FILES = 5_000;

  test('beside listings: each file is always somewhere, and at last where it belongs', { timeout: TIMEOUT_MS }, async () => {
    await fs.createDirectory('/s/x', { recursive: true });
    await fs.createDirectory('/s/y');
    await master.fill('/s/x', FILES, padded('f'));
    let isOver = false;
    const storm = async (first: number) => {
      for (let at = first; at < FILES; at += 64) {
        const name = padded('f')(at);
        await fs.rename(`/s/x/${name}`, `/s/y/${name}`);
        await fs.rename(`/s/y/${name}`, `/s/x/${name}`);
        await fs.rename(`/s/x/${name}`, `/s/y/${name}`);
      }
    };
    let listings = 0;
    const list = async () => {
      while (!isOver) {
        for (const directory of ['/s/x', '/s/y']) {
          const seen: string[] = [];
          for await (const { entries } of fs.listPages(directory)) seen.push(...entries.map(({ name }) => name));
          if (seen.some((name, at) => at > 0 && name <= (seen[at - 1] as string))) throw new Error('not in order, or twice');
          listings += 1;
        }
      }
    };
    await measured(`${3 * FILES} renames`, async () => {
      const listing = list();
      await Promise.all(Array.from({ length: 64 }, (_, first) => storm(first)));
      isOver = true;
      await listing;
    });
    console.log(`listings meanwhile: ${listings}`);
    expect(listings).toBeGreaterThan(2);
    expect(await fs.contentSummary('/s/x')).toMatchObject({ files: 0 });
    expect(await fs.contentSummary('/s/y')).toMatchObject({ files: FILES });
  });
});

describe(`a directory of ${CHILDREN.toLocaleString('en')} children`, () => {
  const name = padded('part-');

  beforeAll(async () => {
    await fs.createDirectory('/wide');
    await measure('making it', () => master.fill('/wide', CHILDREN, name));
  }, TIMEOUT_MS);

  test('the first page, with much of it not in the store yet', async () => {
    await master.fill('/wide', 50_000, padded('new-'));
    for (const startAfter of ['', name(CHILDREN / 2)]) {
      await measured(`first page behind '${startAfter}'`, async () => {
        for await (const { entries } of fs.listPages('/wide', { startAfter })) {
          expect(entries.length).toBeGreaterThan(100);
          break;
        }
      });
    }
    await measured('those with a prefix', async () => {
      let count = 0;
      for await (const { entries } of fs.listPages('/wide', { prefix: name(CHILDREN - 1).slice(0, -3) })) count += entries.length;
      expect(count).toBe(1_000);
    });
  });

  test('stat, create, remove in it: as in any other', { timeout: TIMEOUT_MS }, async () => {
    await master.flush();
    await measured('1,000 of each in it', async () => {
      for (let at = 0; at < 1_000; at++) {
        const path = `/wide/${name(Math.floor((CHILDREN / 1_000) * at))}`;
        await fs.getStatus(path);
        await fs.createFile(`${path}.new`, { completeLength: 1 });
        await fs.remove(`${path}.new`);
      }
    });
  });

  test('list: all of it, in order, as of one moment', { timeout: TIMEOUT_MS }, async () => {
    const total = (await fs.contentSummary('/wide')).files;
    await measured('list', async () => {
      let count = 0;
      let last = '';
      for await (const { entries } of fs.listPages('/wide')) {
        if (count === 0) for (let at = 0; at < 100; at++) await fs.createFile(`/wide/zz${at}`, { completeLength: 1 });
        for (const { path } of entries) {
          if (path <= last) throw new Error(`not in order: ${last} ${path}`);
          last = path;
        }
        count += entries.length;
      }
      expect(count).toBe(total);
    });
  });

  test('remove: answered at once, reaped in the order of names while others work', { timeout: TIMEOUT_MS }, async () => {
    const { id } = await fs.getStatus(`/wide/${name(REAPED - 1)}`);
    await expectQuick('remove of the directory', [() => fs.remove('/wide', { recursive: true })]);
    await measured(`reaping ${REAPED.toLocaleString('en')} of it`, () => (REAPED === CHILDREN ? master.reaped() : master.gone(id)));
  });
});
