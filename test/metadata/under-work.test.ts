/**
 * What is queued for mounted storage, against storage in memory: after random changes of every kind, worked off at random moments with each piece of
 * work repeated at will, it holds exactly what the namespace says is persisted.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { doWork } from '../../src/master/under-work.js';
import { pairKey } from '../../src/metadata/keys.js';
import { operations } from '../../src/metadata/operations.js';
import { partPath } from '../../src/metadata/parts.js';
import type { Inode } from '../../src/metadata/records.js';
import type { State } from '../../src/metadata/state.js';
import { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import { folderOf, PARTS_FOLDER } from '../../src/underfs/under-path.js';
import { planContext } from './identities.js';
import { JournaledState, openReplica } from './journaled-state.js';

const NEVER = new AbortController().signal;
const TO_BE_PERSISTED = 1;
const PERSISTED = 2;
const NAMES = ['a', 'b', 'c', 'd'];

type Name = 'createDirectory' | 'createFile' | 'rename' | 'remove' | 'setAttributes' | 'truncateFile';
type Step =
  | { readonly kind: 'call'; readonly name: Name; readonly body: object }
  | { readonly kind: 'multi'; readonly calls: readonly { readonly name: Name; readonly body: object }[] }
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'persisted'; readonly nth: number }
  | { readonly kind: 'work'; readonly count: number; readonly repeats: number };

const path = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }).map((names) => `/m/${names.join('/')}`);
const flag = fc.integer({ min: 0, max: 3 }).map((chance) => chance > 0);
const call = fc.oneof(
  fc.record({ path, recursive: flag }).map((body) => ({ name: 'createDirectory' as const, body })),
  fc
    .record({ path, recursive: flag, overwrite: flag, persist: flag, completeLength: fc.constant(3) })
    .map((body) => ({ name: 'createFile' as const, body })),
  fc.record({ from: path, to: path, overwrite: flag, into: flag }).map((body) => ({ name: 'rename' as const, body })),
  fc.record({ from: path, to: path, overwrite: flag, into: flag }).map((body) => ({ name: 'rename' as const, body })),
  fc.record({ path, recursive: flag }).map((body) => ({ name: 'remove' as const, body })),
  fc.record({ path, length: fc.nat(2) }).map((body) => ({ name: 'truncateFile' as const, body })),
  fc.record({ path, mode: fc.constantFrom(0o700, 0o755) }).map((body) => ({ name: 'setAttributes' as const, body })),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: call.map((one): Step => ({ kind: 'call', ...one })) },
  { weight: 1, arbitrary: fc.array(call, { minLength: 1, maxLength: 3 }).map((calls): Step => ({ kind: 'multi', calls })) },
  { weight: 5, arbitrary: path.map((each): Step => ({ kind: 'found', path: each })) },
  { weight: 5, arbitrary: fc.nat(8).map((nth): Step => ({ kind: 'persisted', nth })) },
  { weight: 2, arbitrary: fc.record({ count: fc.nat(4), repeats: fc.nat(2) }).map((more): Step => ({ kind: 'work', ...more })) },
);

const BEGIN: readonly Step[] = [
  ...['/m/a/b', '/m/b/c', '/m/d'].map((each): Step => ({ kind: 'call', name: 'createDirectory', body: { path: each, recursive: true } })),
  ...['/m/a/c', '/m/a/b/a', '/m/b/d', '/m/c'].map((each): Step => ({ kind: 'found', path: each })),
];

class World {
  committed = 0;
  readonly files = new MemoryUnderFiles();
  readonly #store = this.files.open();
  readonly #journaled: JournaledState;
  #timeMs = 1_700_000_000_000;

  constructor(journaled: JournaledState) {
    this.#journaled = journaled;
    this.#run('mount', { path: '/m', uri: '/data' });
  }

  get state(): State {
    return this.#journaled.replica.state;
  }

  async take(one: Step): Promise<void> {
    if (one.kind === 'call') this.#tryTo(() => this.#run(one.name, one.body));
    else if (one.kind === 'multi') this.#tryTo(() => this.#run('multi', { steps: one.calls.map(({ name, body }) => asStep(name, body)) }));
    else if (one.kind === 'persisted') this.#persist(one.nth);
    else if (one.kind === 'work') await this.work(one.count, one.repeats);
    else await this.#find(one.path);
  }

  /** As a worker does it: aside, now or again, before it is committed. */
  #persist(nth: number): void {
    const files = this.#toBePersisted();
    const inode = files[nth % files.length];
    if (inode === undefined) return;
    const { id: inodeId, generation, length } = inode;
    const part = partPath({ clusterId: 'c', inodeId, generation });
    this.files.makeFolders(PARTS_FOLDER);
    this.files.put(part, { bytes: new Uint8Array(length) });
    this.#tryTo(() => {
      this.#run('commitPersist', { inodeId, generation, length, mountId: 1, part });
      this.committed += 1;
    });
  }

  #toBePersisted(folder = this.#inodeAt('')!): Inode[] {
    return this.#children(folder.id).flatMap((name) => {
      const inode = this.state.child(folder.id, name)!;
      if (inode.directory) return this.#toBePersisted(inode);
      return inode.persistence === TO_BE_PERSISTED && inode.complete ? [inode] : [];
    });
  }

  /** Of the storage: nobody else writes there while work is queued. */
  async #find(found: string): Promise<void> {
    await this.work(Number.POSITIVE_INFINITY);
    const under = found.slice('/m/'.length);
    const folder = this.#inodeAt(folderOf(under));
    const name = under.slice(folderOf(under).length).replace('/', '');
    if (!folder?.directory || this.state.child(folder.id, name) !== null) return;
    this.files.put(under, { bytes: new Uint8Array(3) });
    const inode = {
      id: this.state.nextIds().inodeId,
      owner: 'ada',
      group: 'staff',
      mode: 0o644,
      complete: true,
      length: 3,
      persistence: PERSISTED,
    };
    this.#journaled.append({ load: { directoryId: folder.id, names: [name], inodes: [{ ...inode, blockBytes: 1 }] } });
  }

  #inodeAt(under: string) {
    let inode = this.state.child(1, 'm');
    for (const name of under === '' ? [] : under.split('/')) inode = inode?.directory ? this.state.child(inode.id, name) : null;
    return inode;
  }

  /** Each piece of work, the last one done again and again before the journal knows. */
  async work(count: number, repeats = 0): Promise<void> {
    for (let done = 0; done < count; done++) {
      const { workSeq, workDone } = this.state.mounts.get(1)!;
      if (workDone === workSeq) return;
      const work = this.state.work.get(pairKey(1, workDone + 1))!;
      for (let time = 0; time <= repeats; time++) await doWork(work, this.#store, NEVER);
      this.#journaled.append({ workDone: { mountId: 1, through: workDone + 1 } });
    }
  }

  #run(name: Name | 'mount' | 'multi' | 'commitPersist', body: object): void {
    const { request, prepare } = operations[name];
    const planned = prepare(request.encode(body as never).finish()).plan(this.state, planContext(++this.#timeMs));
    if ('entry' in planned) this.#journaled.append(planned.entry);
  }

  #tryTo(change: () => void): void {
    try {
      change();
    } catch (error) {
      if ((error as { errno?: string }).errno === undefined) throw error;
    }
  }

  /** What the namespace says is persisted, with a slash behind directories. @param orWas or may have been before it was cut. */
  persisted(orWas: boolean, folder = this.#inodeAt('')!, at = ''): string[] {
    return this.#children(folder.id).flatMap((name) => {
      const inode = this.state.child(folder.id, name)!;
      const own = inode.persistence === PERSISTED || (orWas && inode.generation > 0) ? [`${at}${name}${inode.directory ? '/' : ''}`] : [];
      return inode.directory ? [...own, ...this.persisted(orWas, inode, `${at}${name}/`)] : own;
    });
  }

  #children(id: number): string[] {
    return [...new Set(this.state.changedChildren(id).flatMap((generation) => generation.map(({ name }) => name)))].filter(
      (name) => this.state.child(id, name) !== null,
    );
  }

  stored(): string[] {
    return [...this.files.nodes].flatMap(([each, { bytes }]) =>
      each === '' || each === PARTS_FOLDER ? [] : [bytes === undefined ? `${each}/` : each],
    );
  }
}

function asStep(name: Name, body: object) {
  const { method, request } = operations[name];
  return { method, request: request.encode(body as never).finish() };
}

test('random changes below a mount point: the storage ends as the namespace says, whatever was repeated', async () => {
  let changes = 0;
  let committed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
      const { replica } = await openReplica();
      try {
        const world = new World(await JournaledState.begin(replica));
        for (const one of [...BEGIN, ...steps]) await world.take(one);
        await world.work(Number.POSITIVE_INFINITY);
        expect(world.stored()).toEqual(expect.arrayContaining(world.persisted(false)));
        expect(world.persisted(true)).toEqual(expect.arrayContaining(world.stored()));
        changes += world.files.changes.length;
        committed += world.committed;
      } finally {
        await replica.close();
      }
    }),
    { numRuns: 200 },
  );
  expect(changes).toBeGreaterThan(2_000);
  expect(committed).toBeGreaterThan(50);
});
