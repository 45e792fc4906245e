/**
 * What under stores have, as clients of a whole master meet it: looked up once, or as often as they ask; in bulk; beside changes of their own.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import { encodeMessage } from '../../src/base/encode-message.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import type { Master } from '../../src/master/master.js';
import { operations } from '../../src/metadata/operations.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import type { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import { Disk, MemoryCluster } from './memory-cluster.js';

const URI = 'memory://data';
const soon = { timeout: 8_000, interval: 5 };
const timeoutMs = 8_000;

let cluster: MemoryCluster;
let master: Master;
/** What the master's monotonic clock says while it stands still, and the leader's time with it. */
let stoppedMs: number | null;
let files: MemoryUnderFiles;
let connection: Awaited<ReturnType<typeof connectRpc>>;
let callId: number;
let clientId: number;

beforeEach(async () => {
  cluster = new MemoryCluster();
  stoppedMs = null;
  const clock = { ...systemClock, monotonicMs: () => stoppedMs ?? systemClock.monotonicMs() };
  ({ master } = await cluster.start('a', new Disk(), {}, 0, { clock }));
  await expect.poll(() => master.leadership !== null && master.role.name, soon).toBe('leading');
  files = cluster.underFiles(URI);
  const network = cluster.network.host('client');
  connection = await connectRpc(
    RPC_CLIENT_DEFAULTS,
    { clock: systemClock, log: silentLog, network },
    'a:19998',
    AbortSignal.timeout(5_000),
  );
  callId = 0;
  const { method, response } = operations.registerClient;
  ({ clientId } = response.decode(await connection.call(method, new Uint8Array(), { timeoutMs })));
  // The table takes no `memory://…` by itself: what is mounted here is said to be a folder.
  await mountAt('m', URI);
});
afterEach(() => cluster.close());

function mountAt(name: string, uri: string): Promise<void> {
  return master.leadership!.append((state) => {
    const { inodeId: id, mountId } = state.nextIds();
    const inode = { id, directory: true, owner: 'o', group: 'g', mode: 0o755, persistence: 2, more: { mountId } };
    return { path: `/${name}`, mount: { parentId: 1, name, inode, mount: { id: mountId, inodeId: id, uri, shared: true } } };
  });
}

interface Status {
  readonly path: string;
  readonly sync?: understudy.Sync.$Properties;
}
async function status({ path, sync }: Status): Promise<understudy.Inode.$Properties | string> {
  const { method, request, response } = operations.getStatus;
  const body = encodeMessage(request, { path, user: 'o', ...(sync ? { sync } : {}) });
  try {
    return response.decode(await connection.call(method, body, { timeoutMs })).inode ?? {};
  } catch (error) {
    return (error as { code: string }).code;
  }
}
async function list(path: string, more: understudy.ListStatusRequest.$Properties = {}): Promise<string[]> {
  const { method, request, response } = operations.listStatus;
  const names: string[] = [];
  for await (const page of connection.stream(method, encodeMessage(request, { path, user: 'o', ...more }), { timeoutMs })) {
    for (const { name, inode } of response.decode(page).entries) names.push(`${name}${inode?.directory ? '/' : ''}`);
  }
  return names;
}
async function change(name: 'remove' | 'rename' | 'createDirectory' | 'createFile' | 'multi', fields: object): Promise<string> {
  const { method, request } = operations[name];
  callId += 1;
  const caller = { clientId, callId, attempt: 1, lowestUnanswered: callId, user: 'o' };
  try {
    await connection.call(method, encodeMessage(request as never, { caller, ...fields } as never), { timeoutMs });
    return 'done';
  } catch (error) {
    return (error as { code: string }).code;
  }
}
async function loadMetadata(fields: understudy.LoadMetadataRequest.$Properties): Promise<understudy.LoadMetadataItem> {
  const { method, request, response } = operations.loadMetadata;
  let last = new understudy.LoadMetadataItem();
  for await (const item of connection.stream(method, encodeMessage(request, { user: 'o', ...fields }), { timeoutMs: 60_000 })) {
    last = response.decode(item);
  }
  return last;
}
async function differences(path: string, user = 'o'): Promise<string[]> {
  const { method, request, response } = operations.checkConsistency;
  const found: string[] = [];
  for await (const item of connection.stream(method, encodeMessage(request, { path, user }), { timeoutMs })) {
    for (const { path: at, reason } of response.decode(item).inconsistencies) found.push(`${at}: ${reason}`);
  }
  return found.sort();
}
const store = () => files.open('test');
const write = (path: string, length = 1) => store().create(path, new Uint8Array(length));
/** The under store has seen all changes. */
const workDone = () => master.leadership!.append((state) => ({ workDone: { mountId: 1, through: state.mounts.get(1)!.workSeq } }));
let requests: string[];
function countRequests(): void {
  requests = [];
  files.intercept = ({ operation, path }) => void requests.push(`${operation} ${path}`);
}
const ALWAYS = { load: 1 };
const NEVER = { load: 2 };

describe('a path below a mount point', () => {
  it('is looked up when it is first asked for, and then not again', async () => {
    await write('a/b/f', 7);
    countRequests();
    expect(await status({ path: '/m/a/b/f' })).toMatchObject({ length: 7, complete: true, persistence: 2, owner: 'o' });
    expect(requests).toEqual(['stat a', 'stat a/b', 'stat a/b/f']);
    await status({ path: '/m/a/b/f' });
    expect(requests.length).toBe(3);
  });

  it('that the under store does not have: not_found, asked for once in a while', async () => {
    countRequests();
    expect([await status({ path: '/m/x' }), await status({ path: '/m/x' })]).toEqual(['not_found', 'not_found']);
    expect(requests).toEqual(['stat x']);
    await write('x');
    expect(await status({ path: '/m/x', sync: ALWAYS })).toMatchObject({ length: 1 });
  });

  it('with NEVER: what is known counts', async () => {
    await write('x');
    countRequests();
    expect(await status({ path: '/m/x', sync: NEVER })).toBe('not_found');
    expect(requests).toEqual([]);
  });

  it('with ALWAYS or an interval: what changed there is seen, what went goes', async () => {
    await write('f', 1);
    expect(await status({ path: '/m/f' })).toMatchObject({ length: 1 });
    await write('f', 2);
    expect(await status({ path: '/m/f' })).toMatchObject({ length: 1 });
    expect(await status({ path: '/m/f', sync: { intervalMs: 60_000 } })).toMatchObject({ length: 1 });
    expect(await status({ path: '/m/f', sync: ALWAYS })).toMatchObject({ length: 2 });
    await store().delete('f');
    expect(await status({ path: '/m/f', sync: { intervalMs: 0 } })).toBe('not_found');
  });

  it('with ALWAYS while the clock stands still: looks from before the request do not count, neither of names, files nor directories', async () => {
    stoppedMs = systemClock.monotonicMs() + 10;
    expect(await status({ path: '/m/f', sync: ALWAYS })).toBe('not_found');
    await write('f', 1);
    expect(await status({ path: '/m/f', sync: ALWAYS })).toMatchObject({ length: 1 });
    await write('f', 2);
    expect(await status({ path: '/m/f', sync: { intervalMs: 0 } })).toMatchObject({ length: 2 });
    expect(await list('/m', { recursive: true, sync: ALWAYS })).toEqual(['f']);
    await write('d/g');
    expect(await list('/m', { recursive: true, sync: ALWAYS })).toEqual(['d/', 'd/g', 'f']);
    await write('d/h');
    expect(await list('/m/d', { sync: ALWAYS })).toEqual(['g', 'h']);
    await write('f', 3);
    expect(await loadMetadata({ path: '/m/f', force: true })).toMatchObject({ done: true });
    expect(await status({ path: '/m/f' })).toMatchObject({ length: 3 });
    countRequests();
    expect(await status({ path: '/m/f', sync: { intervalMs: 60_000 } })).toMatchObject({ length: 3 });
    expect(requests).toEqual([]);
  });

  it('that the under store cannot be asked about: unavailable, and service goes on', async () => {
    files.intercept = () => 'lost';
    expect(await status({ path: '/m/f' })).toBe('unavailable');
    expect(await status({ path: '/m' })).toMatchObject({ directory: true });
    files.intercept = undefined;
    expect(await status({ path: '/m/f' })).toBe('not_found');
  });

  it('of storage that hangs: so many may wait for it, then unavailable; other mounts are served', async () => {
    await mountAt('other', 'memory://other');
    await cluster.underFiles('memory://other').open('test').create('f', new Uint8Array(1));
    let hung = 0;
    const over = new AbortController();
    files.intercept = () => {
      hung += 1;
      return new Promise((resolve) => over.signal.addEventListener('abort', () => resolve('lost')));
    };
    const waiting = Array.from({ length: 256 }, (_, at) => status({ path: `/m/${at}` }));
    await expect.poll(() => hung, soon).toBe(256);
    expect(await status({ path: '/m/one-more' })).toBe('unavailable');
    expect(await status({ path: '/other/f' })).toMatchObject({ length: 1 });
    over.abort();
    files.intercept = undefined;
    await Promise.all(waiting);
    expect(await status({ path: '/m/one-more' })).toBe('not_found');
  });

  it('of storage that hangs for good: does not keep the master from ending', async () => {
    let hung = 0;
    files.intercept = () => {
      hung += 1;
      return new Promise(() => {});
    };
    const waiting = [
      status({ path: '/m/f' }),
      list('/m').catch((error) => error.code),
      list('/m', { recursive: true }).catch(() => 'none'),
    ];
    await expect.poll(() => hung, soon).toBeGreaterThan(1);
    await master.close();
    await Promise.all(waiting);
  });

  it('made here and not persisted: stays as it is, whatever the under store says', async () => {
    expect(await change('createFile', { path: '/m/f', completeLength: 5 })).toBe('done');
    await write('f', 9);
    expect(await status({ path: '/m/f', sync: ALWAYS })).toMatchObject({ length: 5, persistence: 0 });
    expect(await list('/m', { sync: ALWAYS })).toEqual(['f']);
    expect(await status({ path: '/m/f' })).toMatchObject({ length: 5 });
  });

  it('that exists only in the under store: is met by changes, too', async () => {
    await write('d/f');
    expect(await change('createFile', { path: '/m/d/f' })).toBe('already_exists');
    expect(await change('rename', { from: '/m/d/f', to: '/m/d/g' })).toBe('done');
    await store().rename('d/f', 'd/g');
    await workDone();
    expect(await list('/m/d')).toEqual(['g']);
  });
});

describe('several changes as one below a mount point', () => {
  const removal = (path: string) => ({
    method: operations.remove.method,
    request: encodeMessage(operations.remove.request, { path }),
  });

  it('meet what exists only in the under store, as they do one by one; more of them than are looked up at once, too', async () => {
    for (let at = 0; at < 300; at++) await write(`f${at}`);
    expect(await change('multi', { steps: Array.from({ length: 300 }, (_, at) => removal(`/m/f${at}`)) })).toBe('done');
    await workDone();
    expect(await status({ path: '/m/f0', sync: NEVER })).toBe('not_found');
    expect(await status({ path: '/m', sync: NEVER })).toMatchObject({ childCount: 0 });
  });

  it('bytes that are no step are refused, not looked up', async () => {
    const garbage = { method: operations.remove.method, request: Uint8Array.of(0xff, 0xff) };
    expect(await change('multi', { steps: [removal('/m/x'), garbage] })).toBe('not_found');
    expect(await change('multi', { steps: [garbage] })).toBe('invalid_argument');
  });
});

describe('a listing below a mount point', () => {
  it('loads the directory in pages, once; many ask at the same time and one look serves them', async () => {
    files.synthesise('big', { count: 5_000, name: (i) => String(i).padStart(6, '0'), length: () => 3 });
    countRequests();
    const listings = await Promise.all([list('/m/big'), list('/m/big'), list('/m/big')]);
    for (const names of listings) expect(names.length).toBe(5_000);
    await list('/m/big');
    // One listing, page by page.
    expect(requests.filter((one) => one.startsWith('list')).length).toBe(6);
    expect(await status({ path: '/m/big' })).toMatchObject({ childCount: 5_000, more: { childrenLoaded: true } });
  });

  it('with ALWAYS: shows what came, what went and what changed, with whole trees', async () => {
    for (const path of ['d/one', 'd/two', 'd/old/deep/f', 'keep/f']) await write(path);
    const all = ['d/', 'd/old/', 'd/old/deep/', 'd/old/deep/f', 'd/one', 'd/two', 'keep/', 'keep/f'];
    expect(await list('/m', { recursive: true })).toEqual(all);
    expect(await list('/', { recursive: true })).toEqual(['m/', ...all.map((name) => `m/${name}`)]);
    await store().delete('d/old', { recursive: true });
    await store().delete('d/one');
    await write('d/two', 22);
    await write('d/new');
    expect(await list('/m/d', { sync: ALWAYS })).toEqual(['new', 'two']);
    expect(await status({ path: '/m/d/two' })).toMatchObject({ length: 22 });
  });

  it('of a tree: with NEVER what is known counts; with ALWAYS all of it is looked at again', async () => {
    await write('d/e/f');
    expect(await list('/m', { recursive: true, sync: NEVER })).toEqual([]);
    expect(await list('/m', { recursive: true })).toEqual(['d/', 'd/e/', 'd/e/f']);
    await write('d/e/g');
    expect(await list('/m', { recursive: true })).toEqual(['d/', 'd/e/', 'd/e/f']);
    expect(await list('/m', { recursive: true, sync: ALWAYS })).toEqual(['d/', 'd/e/', 'd/e/f', 'd/e/g']);
  });

  it('of a directory that goes meanwhile: ends, and nothing of it comes back', async () => {
    files.synthesise('big', { count: 20_000, name: (i) => String(i).padStart(6, '0') });
    await status({ path: '/m/big' });
    const listing = list('/m/big').catch((error) => error.code);
    // What was synthesised is not taken away by the removal.
    files.synthetic.delete('big');
    files.nodes.delete('big');
    await change('remove', { path: '/m/big', recursive: true });
    await workDone();
    await listing;
    expect(await status({ path: '/m/big', sync: NEVER })).toBe('not_found');
    expect(master.role.name).toBe('leading');
  });
});

describe('loadMetadata', () => {
  it('-R: the whole tree, and says how far it came; again: nothing to do; by force: looks again', async () => {
    for (let i = 0; i < 40; i++) await write(`t/${i % 5}/${i % 3}/f${i}`);
    const first = await loadMetadata({ path: '/m', recursive: true });
    expect(first).toMatchObject({ made: 40 + 5 + 15 + 1, done: true });
    countRequests();
    expect(await loadMetadata({ path: '/m', recursive: true })).toMatchObject({ looked: 0, made: 0 });
    expect(requests).toEqual([]);
    await store().delete('t/1', { recursive: true });
    expect(await loadMetadata({ path: '/m', recursive: true, force: true })).toMatchObject({ made: 0, gone: 12 });
    expect((await list('/m/t')).length).toBe(4);
  });
});

describe('checkConsistency', () => {
  it('tells nobody of directories that may not be listed', async () => {
    for (const path of ['a/f', 'b/g', 'b/c/h']) await write(path);
    await loadMetadata({ path: '/m', recursive: true });
    const parentId = ((await status({ path: '/m' })) as understudy.Inode.$Properties).id ?? 0;
    await master.leadership!.append(() => ({ path: '/m/a', setAttributes: { parentId, name: 'a', mode: 0o755 } }));
    await master.leadership!.append(() => ({ path: '/m/b', setAttributes: { parentId, name: 'b', mode: 0o700 } }));
    for (const path of ['a/f', 'b/g', 'b/c/h']) await store().delete(path);
    expect((await differences('/m')).length).toBe(3);
    expect(await differences('/m', 'bob')).toEqual(['/m/a/f: the under store does not have it']);
  });

  it('tells what is missing or different there, and changes nothing', async () => {
    for (const path of ['a/f', 'a/g', 'b/h']) await write(path);
    await loadMetadata({ path: '/m', recursive: true });
    expect(await differences('/m')).toEqual([]);
    await store().delete('a/f');
    await write('a/g', 5);
    await store().delete('b', { recursive: true });
    expect(await differences('/m')).toEqual([
      '/m/a/f: the under store does not have it',
      '/m/a/g: the under store has another length, or a directory',
      '/m/b/h: the under store does not have it',
      '/m/b: the under store does not have it',
    ]);
    expect((await list('/m/a')).length).toBe(2);
  });
});
