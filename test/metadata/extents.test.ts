/**
 * The blocks of files that are written, cut and joined at random, held against a plain list of names for each file.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { understudy } from '#proto/understudy.js';
import { extentsOf } from '../../src/metadata/extents.js';
import { Acting, type OperationName, ROOT } from './acting.js';

const BLOCK = 1_024;
const RUNS = 100;

interface PlainFile {
  readonly id: number;
  blocks: string[];
  length: number;
  isComplete: boolean;
}

type Step =
  | { readonly kind: 'make' | 'complete' | 'truncate'; readonly file: string; readonly length: number }
  | { readonly kind: 'append'; readonly file: string; readonly blocks: number }
  | { readonly kind: 'concat'; readonly file: string; readonly sources: readonly string[] };

const file = fc.constantFrom('/a', '/b', '/c', '/d');
/** Mostly where a block ends: else few files could be joined. */
const length = fc.oneof({ weight: 4, arbitrary: fc.nat(5).map((blocks) => blocks * BLOCK) }, { weight: 1, arbitrary: fc.nat(5 * BLOCK) });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('make' as const, 'complete' as const, 'truncate' as const), file, length }),
  fc.record({ kind: fc.constant('append' as const), file, blocks: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('concat' as const), file, sources: fc.uniqueArray(file, { minLength: 1, maxLength: 3 }) }),
);

test('extents: files joined, cut and appended to in any order have the blocks that a plain list says', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 60 }), async (steps) => {
      await using world = await Acting.begin();
      const plain = new Map<string, PlainFile>();
      for (const each of steps) if (take(each, world, plain)) seen.add(each.kind);
      for (const [path, expected] of plain) expect(blocksOf(world, path), path).toEqual(expected.blocks.slice(0, told(expected)));
      const all = [...plain.values()].flatMap(({ blocks }) => blocks);
      expect(new Set(all).size).toBe(all.length);
      const bytes = [...plain.values()].reduce((sum, one) => sum + one.length, 0);
      expect(world.state.usages.get(1)?.bytes ?? 0n).toBe(BigInt(bytes));
    }),
    { numRuns: RUNS },
  );
  expect(seen).toEqual(new Set(['make', 'complete', 'truncate', 'append', 'concat']));
});

/** @returns whether the namespace did it. */
function take(step: Step, world: Acting, plain: Map<string, PlainFile>): boolean {
  const did = (name: OperationName, body: object) => {
    if (world.wouldBe(ROOT, name, body) !== 'done') return false;
    world.act(ROOT, name, body);
    return true;
  };
  const before = plain.get(step.file);
  if (step.kind === 'make') {
    if (!did('createFile', { path: step.file, completeLength: step.length, overwrite: true })) return false;
    plain.set(step.file, cut({ id: world.inode(step.file).id, blocks: [], length: 0, isComplete: true }, step.length));
    return true;
  }
  if (before === undefined) return false;
  if (step.kind === 'concat') {
    if (!did('concat', { path: step.file, sources: step.sources })) return false;
    for (const source of step.sources) {
      const joined = plain.get(source) as PlainFile;
      before.blocks.push(...joined.blocks);
      before.length += joined.length;
      plain.delete(source);
    }
    return true;
  }
  if (step.kind === 'append') {
    // Also goes on with a file that is being written.
    if (before.isComplete && !did('appendFile', { path: step.file })) return false;
    before.isComplete = false;
    if (!did('addBlocks', { path: step.file, blocks: step.blocks })) throw new Error('blocks were refused');
    for (let more = 0; more < step.blocks; more++) before.blocks.push(`${before.id}:${before.blocks.length}`);
    expect(world.inode(step.file).more?.lease?.blocks).toBe(before.blocks.length);
    return true;
  }
  if (step.kind === 'complete') {
    if (!did('completeFile', { path: step.file, length: step.length })) return false;
    before.isComplete = true;
    cut(before, step.length);
    return true;
  }
  if (!did('truncateFile', { path: step.file, length: step.length })) return false;
  cut(before, step.length);
  return true;
}

/** Blocks that were never handed out are the file's own. */
function cut(one: PlainFile, length: number): PlainFile {
  const blocks = Math.ceil(length / BLOCK);
  one.blocks = Array.from({ length: blocks }, (_, at) => one.blocks[at] ?? `${one.id}:${at}`);
  one.length = length;
  return one;
}

/** What is written, of a file that is not complete. */
function told(one: PlainFile): number {
  return Math.ceil(one.length / BLOCK);
}

function blocksOf(world: Acting, path: string): string[] {
  const { blocks } = world.act(ROOT, 'getBlockLocations', { path }) as understudy.GetBlockLocationsResponse;
  const names = blocks.map(({ inodeId, index }) => `${inodeId}:${index}`);
  const inode = world.inode(path);
  // From the middle of one block to the middle of another, and in the file's own runs.
  const from = Math.floor(inode.length / 3);
  const part = world.act(ROOT, 'getBlockLocations', { path, offset: from, length: BLOCK }) as understudy.GetBlockLocationsResponse;
  const overlapping = names.slice(Math.floor(from / BLOCK), Math.ceil(Math.min(from + BLOCK, inode.length) / BLOCK));
  expect(part.blocks.map(({ inodeId, index }) => `${inodeId}:${index}`)).toEqual(overlapping);
  expect(
    extentsOf(inode).flatMap(({ inodeId, first, blocks: count }) => Array.from({ length: count }, (_, at) => `${inodeId}:${first + at}`)),
  ).toEqual(names);
  return names;
}
