/**
 * One call of each kind of load, through the client as programs use it.
 */
import type { FileSystem } from '../src/cli/understudy.js';
import type { Load, Operation } from './load.js';

const LENGTH = 4_096;
/** Of `add-blocks`. */
const BLOCKS_PER_CALL = 64;
const PLAIN = { mode: 0o644 };

/** Runs number `index`; resolves with what it handled. */
export type Call = (index: number) => Promise<number>;

type Binding = (fs: FileSystem, pathOf: (index: number) => string, load: Load) => Call;

const bindings: Record<Exclude<Operation, 'echo'>, Binding> = {
  create: (fs, pathOf) => async (index) => {
    await fs.createFile(pathOf(index), PLAIN);
    return 1;
  },
  'create-then-complete': (fs, pathOf) => async (index) => {
    const path = pathOf(index);
    await fs.createFile(path, PLAIN);
    await fs.completeFile(path, LENGTH);
    return 1;
  },
  'create-completed': (fs, pathOf) => async (index) => {
    await fs.createFile(pathOf(index), { ...PLAIN, completeLength: LENGTH });
    return 1;
  },
  'add-blocks': (fs, pathOf) => async (index) => {
    await fs.addBlocks(pathOf(index), BLOCKS_PER_CALL);
    return 1;
  },
  'create-directory': (fs, _, { base }) => {
    return async (index) => {
      await fs.createDirectory(directoryPath(base, index), { recursive: true, allowExists: true });
      return 1;
    };
  },
  'get-status': (fs, pathOf) => async (index) => {
    await fs.getStatus(pathOf(index));
    return 1;
  },
  list:
    (fs, _, { base }) =>
    async (index) => {
      let entries = 0;
      for await (const page of fs.listPages(directoryPath(base, index))) entries += page.entries.length;
      return entries;
    },
  rename: (fs, pathOf) => async (index) => {
    const path = pathOf(index);
    await fs.rename(path, `${path}-renamed`);
    return 1;
  },
  remove: (fs, pathOf) => async (index) => {
    await fs.remove(pathOf(index));
    return 1;
  },
  'remove-tree':
    (fs, _, { base }) =>
    async (index) => {
      await fs.remove(directoryPath(base, index), { recursive: true });
      return 1;
    },
};

/** @returns what each call of `load` does at the cluster. */
export function callOf(load: Load, operation: Exclude<Operation, 'echo'>, fs: FileSystem): Call {
  const pathOf = (index: number) => `${directoryPath(load.base, Math.floor(index / load.perDirectory))}/f${index}`;
  return bindings[operation](fs, pathOf, load);
}

function directoryPath(base: string, index: number): string {
  return `${base}/d${index}`;
}
