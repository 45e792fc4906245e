/** Random renames and removes on the state and on a plain map of paths: the same refusals, the same trees, counts and usage as counted anew. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_USAGE } from '../../src/metadata/usage.js';
import { Tree } from './trees.js';

const name = fc.constantFrom('a', 'b');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`);
const command = fc.oneof(
  fc.record({ kind: fc.constant('mkdir' as const), path }),
  fc.record({ kind: fc.constant('touch' as const), path, length: fc.nat(9) }),
  fc.record({ kind: fc.constant('remove' as const), path, recursive: fc.boolean() }),
  ...Array.from({ length: 3 }, () =>
    fc.record({ kind: fc.constant('rename' as const), path, to: path, overwrite: fc.boolean(), into: fc.boolean() }),
  ),
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

/** By path: a file's length; -1: a directory. */
class Paths {
  readonly kinds = new Map<string, number>([['', -1]]);

  /** @returns as errno. */
  run(command: Command): string {
    const { kind, path } = command;
    if (kind === 'rename') return this.#rename(command);
    if (kind === 'remove') return this.#lookUp(path) ?? this.#remove(path, command.recursive);
    const missing = this.#lookUp(path);
    if (missing === undefined) return 'EEXIST';
    if (missing !== 'ENOENT' || !this.kinds.has(parentOf(path))) return missing;
    this.kinds.set(path, kind === 'touch' ? command.length : -1);
    return 'done';
  }

  #remove(path: string, recursive: boolean): string {
    const below = this.#below(path);
    if (below.length > 0 && !recursive) return 'ENOTEMPTY';
    for (const gone of [path, ...below]) this.kinds.delete(gone);
    return 'done';
  }

  #rename({ path, to: asked, overwrite, into }: Command & { kind: 'rename' }): string {
    const why = this.#lookUp(path);
    if (why !== undefined) return why;
    const to = into && this.kinds.get(asked) === -1 ? `${asked}/${path.slice(path.lastIndexOf('/') + 1)}` : asked;
    if (to === path) return 'done';
    const replaced = this.kinds.get(to);
    const isDirectory = this.kinds.get(path) === -1;
    const isBelow = isDirectory && to.startsWith(`${path}/`);
    if (replaced === undefined) {
      if (this.#lookUp(to) === 'ENOTDIR' || !this.kinds.has(parentOf(to))) return this.#lookUp(to) as string;
      if (isBelow) return 'EINVAL';
    } else {
      if (isBelow) return 'EINVAL';
      if (!overwrite) return 'EEXIST';
      if (replaced === -1 && !isDirectory) return 'EISDIR';
      if (replaced !== -1 && isDirectory) return 'ENOTDIR';
      if (this.#below(to).length > 0) return 'ENOTEMPTY';
    }
    const moving = [path, ...this.#below(path)].map((at) => [at, this.kinds.get(at) as number] as const);
    for (const [at] of moving) this.kinds.delete(at);
    for (const [at, kind] of moving) this.kinds.set(to + at.slice(path.length), kind);
    return 'done';
  }

  /** @returns undefined where it is. */
  #lookUp(path: string): 'ENOENT' | 'ENOTDIR' | undefined {
    let at = '';
    for (const component of path.split('/').slice(1)) {
      if (this.kinds.get(at) !== -1) return 'ENOTDIR';
      at += `/${component}`;
      if (!this.kinds.has(at)) return 'ENOENT';
    }
    return undefined;
  }

  #below(path: string): string[] {
    return [...this.kinds.keys()].filter((key) => key.startsWith(`${path}/`));
  }

  all(): string[] {
    return [...this.kinds].map(([key, kind]) => key.slice(1) + (kind === -1 ? '/' : '')).filter((key) => key !== '/');
  }

  usage(path: string) {
    const kinds = this.#below(path).map((key) => this.kinds.get(key) as number);
    const files = kinds.filter((kind) => kind !== -1);
    const bytes = BigInt(files.reduce((sum, length) => sum + length, 0));
    return { files: files.length, directories: kinds.length - files.length, bytes };
  }

  childCount(path: string): number {
    return this.#below(path).filter((key) => parentOf(key) === path).length;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function perform(tree: Tree, { kind, ...body }: Command): string {
  if (kind === 'mkdir') return tree.errno('createDirectory', body);
  if (kind === 'touch') return tree.errno('createFile', { path: body.path, completeLength: 'length' in body ? body.length : 0 });
  if (kind === 'remove') return tree.errno('remove', body);
  return tree.errno('rename', { from: body.path, ...body, path: undefined });
}

test('random commands: as plain maps', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 120, size: 'max' }), async (commands) => {
      const tree = await Tree.make();
      const paths = new Paths();
      for (const one of commands) expect([one, perform(tree, one)]).toEqual([one, paths.run(one)]);
      expect((await tree.paths()).sort()).toEqual(paths.all().sort());
      const check = (path: string, id: number, childCount: number) => {
        expect([path, tree.state.usages.get(id) ?? NO_USAGE]).toEqual([path, paths.usage(path)]);
        expect([path, childCount]).toEqual([path, paths.childCount(path)]);
      };
      check('', 1, tree.state.root().childCount);
      for (const [path, kind] of paths.kinds) {
        if (path === '' || kind !== -1) continue;
        let inode = tree.state.root();
        for (const component of path.split('/').slice(1)) inode = tree.state.child(inode.id, component)!;
        check(path, inode.id, inode.childCount);
      }
      await tree.journaled.seal();
      await tree.journaled.replica.close();
    }),
    { numRuns: 300 },
  );
});
