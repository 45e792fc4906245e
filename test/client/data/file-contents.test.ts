/** Files written and read whole, in part and as streams: over TCP, with real stores and a master of the production code. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnderstudyError } from '../../../src/base/errors.js';
import { dataAccess } from '../../../src/client/data/data-access.js';
import { FileWriter } from '../../../src/client/data/file-writer.js';
import type { FileSystem } from '../../../src/client/file-system.js';
import { FsPromises } from '../../../src/client/fs-promises.js';
import { collect } from '../served-namespace.js';
import { DataCluster, someBytes } from './data-cluster.js';

const KIB = 1024;
const MIB = 1024 * KIB;

let cluster: DataCluster;
/** Reads blocks of this host's worker by themselves; and over connections only. */
let fs: FileSystem;
let remote: FileSystem;

beforeAll(async () => {
  cluster = await DataCluster.open(2);
  fs = cluster.client({ data: { shortCircuitBytesMin: 1 } });
  remote = cluster.client({ overSocket: true });
});
afterAll(() => cluster[Symbol.asyncDispose]());

const sizes = (block: number) => [0, 1, block - 1, block, block + 1, 3 * block, 5 * block + 7];

describe.each([
  ['blocks that are no whole chunks', 1000],
  ['blocks of a chunk', 64 * KIB],
  ['blocks of more than a piece', 1.5 * MIB],
])('%s', (_, blockBytes) => {
  test.each(sizes(blockBytes))('%d bytes: what was written is read, by both ways', async (length) => {
    const path = `/f-${blockBytes}-${length}`;
    const contents = someBytes(length, length + 1);
    const { status } = await fs.writeFile(path, contents, { blockBytes });
    expect(status).toMatchObject({ length, complete: true, lease: null });
    for (const reader of [fs, remote]) expect((await reader.readFile(path)).equals(contents)).toBe(true);
    expect(cluster.workers.every(({ service }) => service.writings === 0)).toBe(true);
  });

  test('streams: of Node and of the web, written and read', async () => {
    const contents = someBytes(4 * blockBytes + 99);
    const parts = Array.from({ length: 50 }, (__, n) =>
      contents.subarray(Math.floor((n * contents.length) / 50), Math.floor(((n + 1) * contents.length) / 50)),
    );
    const path = `/streams-${blockBytes}`;
    await pipeline(Readable.from(parts), (await fs.create(path, { blockBytes })).writable());
    await Readable.toWeb(Readable.from(parts)).pipeTo((await fs.create(`${path}-web`, { blockBytes })).writableWeb());
    for (const [at, reader] of [fs, remote].entries()) {
      const file = await reader.open(at === 0 ? path : `${path}-web`);
      expect(Buffer.concat(await collect(file.readable())).equals(contents)).toBe(true);
      expect((await copies(file.lentChunks())).equals(contents)).toBe(true);
      expect(Buffer.concat(await collect(file.readableWeb())).equals(contents)).toBe(true);
      const some = file.readable({ start: blockBytes - 5, end: 2 * blockBytes + 5 });
      expect(Buffer.concat(await collect(some)).equals(contents.subarray(blockBytes - 5, 2 * blockBytes + 5))).toBe(true);
      await file.close();
    }
  });
});

test('parts at any place: as they stand in the file, many at once', async () => {
  const contents = someBytes(3 * MIB + 12_345);
  await fs.writeFile('/parts', contents, { blockBytes: MIB });
  for (const reader of [fs, remote]) {
    await using file = await reader.open('/parts');
    const places = Array.from({ length: 100 }, (_, n) => [(n * 7_919 * 131) % contents.length, (n * n * 331) % 200_000] as const);
    const read = await Promise.all(
      places.map(async ([position, length]) => {
        const buffer = Buffer.alloc(length);
        return buffer.subarray(0, await file.read(buffer, position));
      }),
    );
    for (const [at, [position, length]] of places.entries()) {
      expect(read[at]?.equals(contents.subarray(position, position + length))).toBe(true);
    }
    expect(await file.read(Buffer.alloc(10), contents.length)).toBe(0);
    await expect(file.read(Buffer.alloc(10), -1)).rejects.toMatchObject({ code: 'out_of_range' });
  }
});

test.each([
  ['behind a whole block', 2000, 1500],
  ['behind a part of a block', 2500, 1500],
  ['behind a part, within it', 2100, 10],
  ['behind nothing', 0, 1500],
  ['nothing', 2500, 0],
])('append %s: what was there, and what was written behind it', async (name, before, more) => {
  const path = `/append ${name}`;
  const contents = someBytes(before + 2 * more);
  await fs.writeFile(path, contents.subarray(0, before), { blockBytes: 1000 });
  for (const at of [before, before + more]) {
    const file = await fs.append(path);
    await file.write(contents.subarray(at, at + more));
    const meanwhile = await remote.readFile(path);
    expect(meanwhile.length).toBeGreaterThanOrEqual(at);
    expect(contents.subarray(0, meanwhile.length).equals(meanwhile)).toBe(true);
    expect((await file.close()).status).toMatchObject({ length: at + more, complete: true });
  }
  expect((await remote.readFile(path)).equals(contents)).toBe(true);
});

test('replication while writing: each of two workers has each block', async () => {
  const contents = someBytes(3 * MIB + 1);
  const { status } = await fs.writeFile('/twice', contents, { blockBytes: MIB, replicationMin: 2 });
  for (const { store } of cluster.workers) {
    expect([...store.blocks()].filter(({ id }) => id.inodeId === status.id).length).toBe(4);
  }
  const small = await fs.writeFile('/twice-small', 'abc', { blockBytes: MIB, replicationMin: 2 });
  for (const { store } of cluster.workers) expect(store.find({ inodeId: small.status.id, index: 0, generation: 0 })?.bytes).toBe(3);
});

test('given up: a file that was made is gone, one that was appended to is as before, and no block is being written', async () => {
  const made = await fs.create('/given-up', { blockBytes: MIB });
  await made.write(someBytes(3 * MIB));
  await made.abort();
  expect(await fs.exists('/given-up')).toBe(false);
  await expect(made.write('x')).rejects.toMatchObject({ code: 'failed_precondition' });
  await fs.writeFile('/appended', 'abc', { blockBytes: MIB });
  const appended = await fs.append('/appended');
  await appended.write(someBytes(2 * MIB));
  appended.writable().destroy();
  await expect.poll(async () => (await fs.getStatus('/appended')).complete).toBe(true);
  expect((await fs.readFile('/appended')).toString()).toBe('abc');
  for (const { service } of cluster.workers) await expect.poll(() => service.writings).toBe(0);
});

test('given up while it is closed, at any moment: a file whose closing succeeded stays', async () => {
  let kept = 0;
  for (let after = 0; after < 40; after++) {
    const path = `/raced-${after}`;
    const file = await fs.create(path, { blockBytes: MIB });
    await file.write('abc');
    const closed = file.close().then(
      () => true,
      () => false,
    );
    for (let turns = 0; turns < after * 2; turns++) await new Promise(setImmediate);
    await file.abort();
    const isClosed = await closed;
    if (isClosed) kept += 1;
    expect([after, await fs.exists(path)]).toEqual([after, isClosed]);
  }
  expect(kept).toBeGreaterThan(0);
});

test.each(['disposed of', 'given up meanwhile'])(
  'a file that is written through and not persisted in time, %s: it is complete, and stays',
  async (how) => {
    cluster.masters.underFiles(`/through-${how}`);
    const client = cluster.client({ data: { persistTimeoutMs: how === 'disposed of' ? 100 : 60_000 } });
    await client.mount(`/through ${how}`, `/through-${how}`);
    const path = `/through ${how}/f`;
    const file = await client.create(path, { writeType: 'CACHE_THROUGH' });
    await file.write('abc');
    const closing = expect(file.close()).rejects.toMatchObject({ code: how === 'disposed of' ? 'deadline_exceeded' : 'cancelled' });
    if (how === 'disposed of') await closing;
    await expect.poll(async () => (await client.getStatus(path)).complete).toBe(true);
    await file[Symbol.asyncDispose]();
    await closing;
    expect(await client.getStatus(path)).toMatchObject({ complete: true, length: 3, persistence: 'TO_BE_PERSISTED' });
  },
);

test('written through below no mount point: asked for, it is refused and what was there stays; by default, workers alone have it', async () => {
  const byDefault = cluster.client({ data: { writeType: 'CACHE_THROUGH' } });
  await fs.writeFile('/old', 'old');
  for (const writeType of ['CACHE_THROUGH', 'THROUGH', 'ASYNC_THROUGH'] as const) {
    await expect(fs.writeFile('/old', 'new', { overwrite: true, writeType })).rejects.toMatchObject({ errno: 'ENOTSUP' });
  }
  expect((await fs.readFile('/old')).toString()).toBe('old');
  const { status } = await byDefault.writeFile('/old', 'new', { overwrite: true });
  expect(status.persistence).toBe('NOT_PERSISTED');
  expect((await fs.readFile('/old')).toString()).toBe('new');
});

test('a writer that failed, and cannot take back what it made, tells of its failure; one that did not, of that', async () => {
  const { status } = await fs.writeFile('/left-behind', '', { blockBytes: MIB });
  const refused = async () => {
    throw new UnderstudyError('resource_exhausted', 'too many mutations wait for the journal');
  };
  const access = dataAccess(fs.client, { locate: refused, workers: refused });
  const file = { status: { ...status, lease: null }, addBlocks: refused, complete: refused, giveUp: refused };
  const failing = async () => {
    await using writer = await FileWriter.open(access, file);
    await writer.write('abc');
    await writer.close();
  };
  await expect(failing()).rejects.toMatchObject({ code: 'resource_exhausted', message: expect.stringMatching(/could not be written/) });
  const leaving = async () => {
    await using _writer = await FileWriter.open(access, file);
  };
  await expect(leaving()).rejects.toMatchObject({ code: 'resource_exhausted', message: expect.stringMatching(/mutations/) });
});

test('a writer that is closed, or whose bytes cannot be taken, says so', async () => {
  const file = await fs.create('/closed', { blockBytes: MIB });
  await file.write('abc');
  await file.close();
  await expect(file.write('d')).rejects.toMatchObject({ code: 'failed_precondition' });
  await file.abort();
  expect((await fs.readFile('/closed')).toString()).toBe('abc');
  await expect(fs.create('/closed')).rejects.toMatchObject({ errno: 'EEXIST' });
  await expect(fs.open('/nowhere')).rejects.toMatchObject({ errno: 'ENOENT' });
  await expect(fs.open('/')).rejects.toMatchObject({ errno: 'EISDIR' });
});

test('as node:fs/promises: written, replaced, appended to, copied and read', async () => {
  const promises = new FsPromises(cluster.client({ umask: 0o027 }));
  await promises.mkdir('/node');
  await promises.writeFile('/node/f', 'one');
  await expect(promises.writeFile('/node/f', 'two', { flag: 'wx' })).rejects.toMatchObject({
    code: 'EEXIST',
    syscall: 'open',
    path: '/node/f',
  });
  await promises.writeFile('/node/f', 'dHdv', 'base64');
  await promises.appendFile('/node/f', Buffer.from(' three'));
  await promises.appendFile('/node/g', 'four', { mode: 0o666 });
  await promises.copyFile('/node/f', '/node/copy');
  await expect(promises.copyFile('/node/g', '/node/copy', promises.constants.COPYFILE_EXCL)).rejects.toMatchObject({ code: 'EEXIST' });
  await promises.copyFile('/node/copy', '/node/copy');
  expect(await promises.readFile('/node/copy', 'utf8')).toBe('two three');
  expect(await promises.readFile('/node/g', { encoding: 'hex' })).toBe(Buffer.from('four').toString('hex'));
  expect(await promises.readFile('/node/f')).toEqual(Buffer.from('two three'));
  expect(((await promises.stat('/node/g')).mode & 0o777).toString(8)).toBe('640');
  await expect(promises.writeFile('/node/f', '', { flag: 'r+' })).rejects.toMatchObject({ code: 'ENOTSUP' });
  await expect(promises.readFile('/node')).rejects.toMatchObject({ code: 'EISDIR' });
});

/** @returns what came, of which each run counts only until the next one is asked for. */
async function copies(runs: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const kept: Buffer[] = [];
  for await (const run of runs) kept.push(Buffer.from(run));
  return Buffer.concat(kept);
}
