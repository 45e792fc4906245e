/**
 * The flags of `npm run bench -- …`, and the sizes that follow from them.
 */
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

export interface Options {
  readonly quick: boolean;
  readonly json: boolean;
  /** Scenarios to run; empty: all. */
  readonly only: readonly string[];
  /** Journal, metastores and floors are measured below this folder. */
  readonly folder: string;
  /** Where masters and clients leave CPU profiles, if they are to. */
  readonly profileFolder: string | undefined;
  readonly sizes: Sizes;
}

export interface Sizes {
  /** Before anything is counted, at most a fifth of what there is to do. */
  readonly warmUpMs: number;
  /** A measurement ends after this time, or when there is nothing left to do. */
  readonly measureMs: number;
  /** Files that are there to be created, renamed, removed in one measurement. */
  readonly files: number;
  readonly treeFiles: number;
  readonly bucketObjects: number;
  /** Files of the measurements at full size: replay, memory, the large directory. */
  readonly manyFiles: number;
  readonly moreFiles: number;
  readonly takeoverRuns: number;
  readonly takeoverFiles: number;
  readonly floorMs: number;
  /** Of the file whose bytes are written and read. */
  readonly dataBytes: number;
}

const FULL: Sizes = {
  warmUpMs: 1_000,
  measureMs: 8_000,
  files: 400_000,
  treeFiles: 100_000,
  bucketObjects: 1_000_000,
  manyFiles: 1_000_000,
  moreFiles: 200_000,
  takeoverRuns: 20,
  takeoverFiles: 100_000,
  floorMs: 1_500,
  dataBytes: 1 << 30,
};

const QUICK: Sizes = {
  warmUpMs: 200,
  measureMs: 1_000,
  files: 20_000,
  treeFiles: 5_000,
  bucketObjects: 20_000,
  manyFiles: 20_000,
  moreFiles: 4_000,
  takeoverRuns: 1,
  takeoverFiles: 2_000,
  floorMs: 200,
  dataBytes: 128 << 20,
};

export const USAGE = `usage: npm run bench -- [options]
  --quick            small sizes, about a minute
  --only NAME,...    only these scenarios
  --json             the figures as one JSON object on the last line
  --dir DIR          folder on a real disk for journal and metastores (default: the system's temporary folder)
  --files N          files of replay, memory and the large directory (default ${FULL.manyFiles})
  --runs N           takeovers of each kind (default ${FULL.takeoverRuns})
  --profile DIR      masters and clients leave CPU profiles there
  --help`;

/** @returns undefined where only help is asked for. @throws when the flags are wrong. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { quick: flag, json: flag, help: flag, only: text, dir: text, profile: text, files: text, runs: text },
  });
  if (values.help) return undefined;
  const sizes = values.quick ? QUICK : FULL;
  return {
    quick: values.quick,
    json: values.json,
    only: values.only?.split(',').filter((name) => name !== '') ?? [],
    folder: values.dir ?? tmpdir(),
    profileFolder: values.profile,
    sizes: {
      ...sizes,
      manyFiles: count('files', values.files, sizes.manyFiles),
      takeoverRuns: count('runs', values.runs, sizes.takeoverRuns),
    },
  };
}

function count(name: string, given: string | undefined, usual: number): number {
  if (given === undefined) return usual;
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} takes a positive number: ${given}`);
  return value;
}
