/** The simulated file system: it keeps a journal as a real one does, does what a real one does, and loses what a real one may lose. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { errnoOf, type Files, type OpenFile, PAGE_BYTES } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import { DirectoryJournal } from '../../src/journal/directory-journal.js';
import { formatDirectoryJournal } from '../../src/journal/format-directory.js';
import { type JournalWorld, journalContract } from '../contract/journal-contract.js';
import { retentionContract } from '../contract/retention-contract.js';
import { SeededRandom } from './seeded-random.js';
import { SimServer, type SimServerSettings, type StorageUser } from './sim-files.js';

const PLAIN: SimServerSettings = {
  kind: 'local',
  staleMs: 0,
  pageStaleMs: 0,
  unsentMs: 0,
  pieceBytes: 512,
  capacityPages: 1 << 16,
  latencyMs: [0.01, 0.02],
};

/** This machine's, but what takes less than a millisecond is done at once: a timer would make a whole one of it. */
const clock: Clock = {
  ...systemClock,
  setTimer(delayMs, fn) {
    if (delayMs >= 1) return systemClock.setTimer(delayMs, fn);
    const soon = setImmediate(fn);
    return { cancel: () => clearImmediate(soon) };
  },
};

function serverOf(settings: Partial<SimServerSettings>, seed = 1): SimServer {
  return new SimServer({ ...PLAIN, ...settings }, { clock, random: new SeededRandom(seed, 'server') });
}

const userOn = (host: string): StorageUser => ({ host, alive: true, paused: false, deliver: (fn) => fn() });

for (const kind of ['local', 'shared'] as const) {
  const name = `directory journal on a simulated ${kind} file system`;
  const make = async (): Promise<JournalWorld> => {
    const server = serverOf({ kind, staleMs: 40, pageStaleMs: 40, unsentMs: 1_000 });
    const settings = { folder: '/journal', segmentBytes: 40 << 10, batchBytesMax: 32 << 10, pollIntervalMs: 1, freeBytesReserve: 0 };
    const deps = { clock: systemClock, random: systemRandom, log: silentLog };
    await formatDirectoryJournal(settings, { ...deps, files: server.truth() });
    let opened = 0;
    return {
      open: (pause) => {
        const files = server.files(userOn(`m${++opened}`));
        return DirectoryJournal.open(settings, { ...deps, files, ...(pause === undefined ? {} : { pause }) });
      },
      async [Symbol.asyncDispose]() {},
    };
  };
  journalContract(name, make);
  retentionContract(name, make);
}

const NAMES = ['a', 'b', 'sub', 'sub/c', 'none/d'];
const SPAN = 3 * PAGE_BYTES;
const name = fc.constantFrom(...NAMES);
const step = fc.oneof(
  fc.record({ kind: fc.constant('open' as const), name, create: fc.constantFrom('exclusive', 'truncate', 'always', undefined) }),
  fc.record({ kind: fc.constant('write' as const), at: fc.nat(SPAN), bytes: fc.uint8Array({ minLength: 1, maxLength: 2 * PAGE_BYTES }) }),
  fc.record({ kind: fc.constant('read' as const), at: fc.nat(SPAN), count: fc.integer({ min: 1, max: 2 * PAGE_BYTES }) }),
  fc.record({
    kind: fc.constantFrom('exactly' as const, 'exactlySync' as const),
    at: fc.nat(SPAN),
    count: fc.integer({ min: 1, max: 200 }),
  }),
  fc.record({ kind: fc.constant('truncate' as const), bytes: fc.nat(SPAN) }),
  fc.record({ kind: fc.constant('read' as const), at: fc.constant(0), count: fc.constant(2 * SPAN) }),
  fc.record({ kind: fc.constantFrom('sync' as const, 'still' as const, 'close' as const, 'list' as const) }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'exists' as const, 'size' as const, 'folder' as const, 'make' as const), name }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** @returns what each step told, as text. */
async function told(files: Files, root: string, steps: readonly Step[]): Promise<string[]> {
  let file: OpenFile | undefined = await files.open(path.join(root, 'a'), { write: true, create: 'always' });
  const answers: string[] = [];
  for (const one of steps) {
    try {
      if (one.kind === 'open') {
        await file?.close();
        file = undefined;
        file = await files.open(path.join(root, one.name), { write: true, ...(one.create === undefined ? {} : { create: one.create }) });
        answers.push('opened');
      } else answers.push(JSON.stringify((await tell(files, root, file, one)) ?? null));
    } catch (error) {
      answers.push(errnoOf(error) ?? (error as Error).message.replace(/ file=\S+/, ''));
    }
  }
  await file?.close();
  return answers;
}

async function tell(files: Files, root: string, file: OpenFile | undefined, one: Exclude<Step, { kind: 'open' }>): Promise<unknown> {
  switch (one.kind) {
    case 'list':
      return (await files.listFolder(root)).sort();
    case 'remove':
      return files.removeFile(path.join(root, one.name));
    case 'exists':
      return files.exists(path.join(root, one.name));
    case 'size':
      return (await files.fileSize(path.join(root, one.name))).bytes;
    case 'folder':
      return files.makeFolder(path.join(root, 'sub'));
    case 'make':
      return files.createFileDurable(path.join(root, one.name), Buffer.from('made'));
    case 'write':
      return file?.writeAll(one.bytes, one.at);
    case 'truncate':
      return file?.truncate(one.bytes);
    case 'sync':
      return file?.sync();
    case 'still':
      return file?.isStillAtPath();
    case 'close':
      return file?.close();
    case 'read': {
      const buffer = Buffer.alloc(one.count);
      const count = await file?.readSome(buffer, one.at);
      return [count, buffer.toString('base64')];
    }
    case 'exactly':
    case 'exactlySync': {
      const buffer = Buffer.alloc(one.count);
      if (one.kind === 'exactly') await file?.readExactly(buffer, one.at);
      else file?.readExactlySync(buffer, one.at);
      return buffer.toString('base64');
    }
  }
}

test('simulated files: without trouble, tell what those of this machine tell', async () => {
  const isFolder = (name: string | undefined) => name === 'sub';
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), async (all) => {
      // What is asked of a folder as of a file, the journal never asks.
      const steps = all.filter((one) => !('name' in one && isFolder(one.name)) || one.kind === 'exists' || one.kind === 'folder');
      const folder = await mkdtemp(path.join(tmpdir(), 'understudy-simfs-'));
      try {
        const simulated = serverOf({}).files(userOn('m1'));
        await simulated.makeFolder('/root');
        expect(await told(simulated, '/root', steps)).toEqual(await told(systemFiles, folder, steps));
      } finally {
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: 150 },
  );
});

describe('power cut', () => {
  /** @returns how often each of these came out, over many seeds. */
  async function outcomes(count: number, live: (seed: number) => Promise<string>): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (let seed = 0; seed < count; seed++) {
      const outcome = await live(seed);
      found.set(outcome, (found.get(outcome) ?? 0) + 1);
    }
    return found;
  }

  const contents = async (server: SimServer, name: string, bytes: number): Promise<string> => {
    const buffer = Buffer.alloc(bytes);
    await using file = await server.truth().open(name);
    await file.readSome(buffer, 0);
    return buffer
      .toString('latin1')
      .replaceAll(/(.)\1*/gs, '$1')
      .replaceAll('\0', '.');
  };

  test('what was synced stays; of the rest any pieces, a later one without an earlier too', async () => {
    const found = await outcomes(60, async (seed) => {
      const server = serverOf({}, seed);
      const files = server.truth();
      await files.createFileDurable('/f', Buffer.alloc(2048, 'a'));
      {
        await using file = await files.open('/f', { write: true });
        await file.writeAll(Buffer.alloc(512, 'b'), 0);
        await file.writeAll(Buffer.alloc(512, 'c'), 1024);
      }
      server.powerCut();
      return contents(server, '/f', 2048);
    });
    expect([...found.keys()].sort()).toEqual(['a', 'aca', 'ba', 'baca']);
  });

  test('a name whose folder was not synced stays or goes; one that was, stays', async () => {
    const found = await outcomes(40, async (seed) => {
      const server = serverOf({}, seed);
      const files = server.truth();
      await files.createFileDurable('/kept', Buffer.from('x'));
      await (await files.open('/new', { write: true, create: 'exclusive' })).close();
      await files.removeFile('/kept');
      server.powerCut();
      return (await files.listFolder('/')).sort().join();
    });
    expect([...found.keys()].sort()).toEqual(['', 'kept', 'kept,new', 'new']);
  });

  test('a sync that fails drops the pages for good: they are seen, and the next sync does not keep them', async () => {
    const found = await outcomes(40, async (seed) => {
      const server = serverOf({}, seed);
      await server.truth().createFileDurable('/f', Buffer.alloc(512, 'a'));
      const files = server.files(userOn('m1'));
      await using file = await files.open('/f', { write: true });
      await file.writeAll(Buffer.alloc(512, 'b'), 0);
      const mend = server.troubles.suffer('errors', new SeededRandom(seed, 'errors'));
      let failed = false;
      while (!failed) await file.sync().catch(() => (failed = true));
      mend?.();
      const seen = Buffer.alloc(1);
      await file.readExactly(seen, 0);
      await file.sync();
      server.powerCut();
      return `${seen} ${await contents(server, '/f', 512)}`;
    });
    expect(found.get('b a')).toBeGreaterThan(0);
  });

  test('a sync that fails is told to all that have the file open, once to each', async () => {
    const server = serverOf({});
    await server.truth().createFileDurable('/f', Buffer.alloc(512, 'a'));
    const open = (host: string) => server.files(userOn(host)).open('/f', { write: true });
    await using one = await open('m1');
    await using other = await open('m2');
    await one.writeAll(Buffer.alloc(512, 'b'), 0);
    const mend = server.troubles.suffer('unsynced', new SeededRandom(1, 'unsynced'));
    while (
      await one.dataSync().then(
        () => true,
        () => false,
      )
    );
    mend?.();
    await one.dataSync();
    await expect(other.dataSync()).rejects.toThrow('EIO');
    await other.dataSync();
    await using later = await open('m1');
    await later.dataSync();
  });
});

describe('local, renamed', () => {
  test('what is at the new name is replaced; after a power cut a name that was durable is there, old or new, and never both', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const server = serverOf({ kind: 'local' }, seed);
      const files = server.files(userOn('w1'));
      await server.truth().createFileDurable('/a', Buffer.from('a'));
      await server.truth().createFileDurable('/b', Buffer.from('b'));
      await files.rename('/a', '/b');
      expect(await files.listFolder('/')).toEqual(['b']);
      await files.rename('/b', '/c');
      server.powerCut();
      const names = await files.listFolder('/');
      expect(names.filter((name) => name !== 'b')).toHaveLength(1);
      seen.add(names.sort().join(' '));
      await expect(files.rename('/none', '/d')).rejects.toThrow('ENOENT');
    }
    expect(seen.size).toBeGreaterThan(1);
  });
});

describe('shared', () => {
  test('another host reads what is old through its cache, and what there is with O_DIRECT', async () => {
    const server = serverOf({ kind: 'shared', staleMs: 1e9, pageStaleMs: 1e9, unsentMs: 1e9 });
    await server.truth().createFileDurable('/f', Buffer.alloc(PAGE_BYTES, 'a'));
    const [one, other] = [server.files(userOn('m1')), server.files(userOn('m2'))];
    const page = other.buffers.take(PAGE_BYTES);
    const look = async (direct: boolean): Promise<string> => {
      await using file = await other.open('/f', { direct });
      await file.readExactly(page, 0);
      return page.toString('latin1', 0, 1);
    };
    expect(await look(false)).toBe('a');
    await using file = await one.open('/f', { write: true });
    await file.writeAll(Buffer.alloc(PAGE_BYTES, 'b'), 0);
    expect(await look(true), 'not sent yet').toBe('a');
    await file.dataSync();
    expect(await look(false)).toBe('a');
    expect(await look(true)).toBe('b');
  });

  test('an absence may be old, a host that is gone loses what it had not sent, one that is cut off waits', async () => {
    const server = serverOf({ kind: 'shared', staleMs: 1e9, pageStaleMs: 1e9, unsentMs: 1e9 });
    const [one, other] = [server.files(userOn('m1')), server.files(userOn('m2'))];
    expect(await other.exists('/f')).toBe(false);
    await one.createFileDurable('/f', Buffer.from('a'));
    expect(await other.exists('/f')).toBe(false);
    const mend = server.troubles.cutOff('m1');
    const waits = one.exists('/f').then(() => 'answered');
    expect(await Promise.race([waits, other.listFolder('/').then(() => 'not yet')])).toBe('not yet');
    mend?.();
    expect(await waits).toBe('answered');
  });
});
