/**
 * What mounted storage has yet to see, worked off by whole masters over the memory twins: in order, through lost requests and answers,
 * by the next leader where one ends in the middle.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Deferred, deferred } from '../../src/base/wait.js';
import type { Master } from '../../src/master/master.js';
import { operations } from '../../src/metadata/operations.js';
import type { MemoryUnderFault, MemoryUnderFiles, MemoryUnderRequest } from '../../src/underfs/memory-under-store.js';
import { MemoryCluster } from './memory-cluster.js';

type MutationName = {
  [K in keyof typeof operations]: (typeof operations)[K] extends { kind: 'mutation' } ? K : never;
}[keyof typeof operations];

const soon = { timeout: 8_000, interval: 5 };
let cluster: MemoryCluster;
let storage: MemoryUnderFiles;
let leader: Master;

beforeEach(async () => {
  cluster = new MemoryCluster();
  storage = cluster.underFiles('/data');
  leader = await started('a');
  await leads(leader);
  await change('mount', { path: '/m', uri: '/data' });
  return () => cluster.close();
});
afterEach(() => {
  storage.intercept = undefined;
});

const started = async (name: string) => (await cluster.start(name)).master;
const leads = (master: Master) => expect.poll(() => master.leadership !== null && master.role.name, soon).toBe('leading');

/** In the leader's own name: as a client's call, without a client. */
function change(name: MutationName, body: object): Promise<void> {
  const { request, prepare } = operations[name];
  const { plan } = prepare(request.encode(body as never).finish());
  return new Promise((resolve, reject) => {
    const settle = (refused: Error | null) => (refused === null ? resolve() : reject(refused));
    leader.leadership!.submit({ caller: null, plan: plan as never, settle });
  });
}
const mkdir = (path: string) => change('createDirectory', { path: `/m/${path}`, recursive: true });
const rename = (from: string, to: string) => change('rename', { from: `/m/${from}`, to: `/m/${to}` });
const remove = (path: string) => change('remove', { path: `/m/${path}`, recursive: true });

const queuedAt = (master: Master, id = 1) => {
  const mount = master.replica?.state.mounts.get(id);
  return mount ? mount.workSeq - mount.workDone : undefined;
};
const settled = (id = 1) => expect.poll(() => queuedAt(leader, id), soon).toBe(0);
const stored = (files = storage) => [...files.nodes.keys()].filter((path) => path !== '').sort();
/** Changes that took effect, as `operation path`. */
const history = () => storage.changes.map(({ operation, path }) => `${operation} ${path}`);

/** Holds changes up from the `count`th on, until it is resolved. */
function holdUp(count: number): { readonly reached: Promise<MemoryUnderRequest>; readonly gate: Deferred<MemoryUnderFault | undefined> } {
  const gate = deferred<MemoryUnderFault | undefined>();
  const reached = deferred<MemoryUnderRequest>();
  let seen = 0;
  storage.intercept = (request) => {
    if (request.operation === 'setAttributes' || ++seen < count) return undefined;
    reached.resolve(request);
    return gate.promise;
  };
  return { reached: reached.promise, gate };
}

test('changes: reach the storage, those that concern each other in order', async () => {
  await Promise.all([mkdir('a'), mkdir('b'), mkdir('c')]);
  await rename('a', 'b/x');
  await rename('b', 'a');
  await mkdir('b');
  await remove('a/x');
  await settled();
  expect(stored()).toEqual(['a', 'b', 'c']);
  const done = history().filter((line) => !line.startsWith('setAttributes'));
  expect(done.slice(-4)).toEqual(['rename a', 'rename b', 'makeDirectory b', 'delete a/x']);
});

test('the leader dies in the middle of its work: the next one finishes it, and repeats only what was running', async () => {
  const standby = await started('b');
  await expect.poll(() => leader.standbys.list().length, soon).toBe(1);
  await mkdir('a');
  await settled();
  const { reached, gate } = holdUp(2);
  await rename('a', 'b');
  await mkdir('a');
  await rename('b', 'c');
  await rename('a', 'b');
  const running = await reached;
  expect(running).toMatchObject({ handle: 'a', operation: 'makeDirectory', path: 'a' });
  expect(storage.changes.at(-1)).toMatchObject({ operation: 'rename', path: 'a' });
  cluster.kill('a');
  storage.intercept = undefined;
  leader = standby;
  await leads(standby);
  await settled();
  expect(stored()).toEqual(['b', 'c']);
  gate.resolve(undefined);
  const byNext = storage.changes.filter(({ handle, operation }) => handle === 'b' && operation !== 'setAttributes');
  // The two that have nothing to do with each other are done at once.
  expect(byNext.map(({ operation, path }) => `${operation} ${path}`)).toEqual(['makeDirectory a', 'rename b', 'rename a']);
  expect(stored()).toEqual(['b', 'c']);
});

test('requests and answers that are lost: are sent again, and the storage ends as the namespace', async () => {
  let seen = 0;
  storage.intercept = () => (++seen % 5 === 0 ? 'lost' : seen % 3 === 0 ? 'answer lost' : undefined);
  for (const path of ['a', 'b/c', 'd']) await mkdir(path);
  await rename('a', 'b/a');
  await rename('d', 'a');
  await remove('b/c');
  await rename('b', 'd');
  await settled();
  expect(stored()).toEqual(['a', 'd', 'd/a']);
  expect(seen).toBeGreaterThan(8);
});

test('what the storage refuses: is given up after a few tries, and what follows is done', async () => {
  await mkdir('a');
  await mkdir('b');
  await settled();
  storage.nodes.delete('a');
  storage.put('c', { bytes: new Uint8Array(1) });
  await rename('a', 'd');
  await mkdir('c');
  await rename('b', 'e');
  await settled();
  expect(stored()).toEqual(['c', 'e']);
  expect(leader.replica?.state.mounts.get(1)?.workRefused).toBe(2);
});

test('storage that does not answer: holds up its own mount alone, which cannot be unmounted meanwhile', async () => {
  await change('mount', { path: '/n', uri: '/other' });
  const { gate } = holdUp(1);
  await mkdir('a');
  await change('createDirectory', { path: '/n/x' });
  await settled(2);
  expect(stored(cluster.underFiles('/other'))).toEqual(['x']);
  await expect(change('unmount', { path: '/m' })).rejects.toMatchObject({ errno: 'EBUSY' });
  await change('unmount', { path: '/n' });
  expect(queuedAt(leader)).toBe(1);
  gate.resolve(undefined);
  await settled();
  await change('unmount', { path: '/m' });
});

test('a leader that hands over: gives up what runs, begins nothing, and goes on if nobody takes the lead', async () => {
  const { reached, gate } = holdUp(1);
  await mkdir('a');
  await mkdir('b');
  await reached;
  await leader.leadership!.hold();
  gate.resolve(undefined);
  const seen: string[] = [];
  storage.intercept = ({ operation }) => void seen.push(operation);
  await new Promise((then) => setTimeout(then, 100));
  expect([seen, stored()]).toEqual([[], []]);
  leader.leadership!.resume();
  await settled();
  expect(stored()).toEqual(['a', 'b']);
});
