/**
 * The commands of `fs` that copy files: from this machine, to it, and within the namespace.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { isError, UnderstudyError } from '../../base/errors.js';
import { childPath } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { oneOfWords } from '../option-values.js';
import { print } from '../output.js';
import type { Problems } from '../problems.js';
import { expandPath, expandToOne } from './expand-paths.js';
import { shownName } from './ls-format.js';
import { copyFile, download, localTree, Transfer, type TransferOptions, upload } from './transfer.js';

const WRITE_TYPES = ['MUST_CACHE', 'CACHE_THROUGH', 'THROUGH', 'ASYNC_THROUGH'] as const;

const SOURCES_MAX = 1_000_000;

interface CopyOptions {
  readonly f?: boolean;
  readonly R?: boolean;
  readonly resume?: boolean;
  readonly writeType?: (typeof WRITE_TYPES)[number];
}

export function addCopyCommands(frame: ClientFrame): void {
  for (const name of ['copyFromLocal', 'put']) {
    const command = copying(frame, name, 'copy files and folders of this machine into the namespace');
    withWriteType(command).action((paths: string[], options: CopyOptions) =>
      copyAll(frame, name, paths, (fs, sources, target, problems) => copyIn(fs, sources, target, options, problems)),
    );
  }
  for (const name of ['copyToLocal', 'get']) {
    copying(frame, name, 'copy files and directories to this machine').action((paths: string[], options: CopyOptions) =>
      copyAll(frame, name, paths, (fs, sources, target, problems) => copyOut(fs, sources, target, options, problems)),
    );
  }
  const cp = copying(frame, 'cp', 'copy files within the namespace').option('-R', 'directories with all that is in them, too');
  withWriteType(cp).action((paths: string[], options: CopyOptions) =>
    copyAll(frame, 'cp', paths, (fs, sources, target, problems) => copyWithin(fs, sources, target, options, problems)),
  );
}

function copying(frame: ClientFrame, name: string, description: string) {
  return frame
    .command(`${name} <path...>`, `${description}; into the last path, if that is a directory`)
    .usage('[options] <source...> <target>')
    .option('-f', 'replace files that are there')
    .option('--resume', 'go on with a copy that was broken off: files that are there with the same length are left as they are');
}

function withWriteType(command: ReturnType<typeof copying>) {
  return command.option(
    '--writeType <type>',
    `how: ${WRITE_TYPES.join(', ')} (default: user.file.writetype.default)`,
    oneOfWords(WRITE_TYPES),
  );
}

type Copying = (fs: FileSystem, sources: readonly string[], target: string, problems: Problems) => Promise<void>;

function copyAll(frame: ClientFrame, name: string, paths: readonly string[], copy: Copying): Promise<void> {
  const [target = '', sources] = [paths.at(-1), paths.slice(0, -1)];
  if (sources.length === 0) throw new CommandFailed(EXIT.usage, `${name}: a source and a target have to be given`);
  return frame.withClient(async (fs) => {
    const problems = frame.problems(name);
    await problems.catch(() => copy(fs, sources, target, problems));
    problems.throwIfAny();
  });
}

async function copyIn(
  fs: FileSystem,
  sources: readonly string[],
  pattern: string,
  options: CopyOptions,
  problems: Problems,
): Promise<void> {
  const target = await expandToOne(fs, pattern);
  const into = await isDirectory(fs, target);
  if (sources.length > 1 && !into) throw notDirectory(target);
  using transfer = new Transfer('copied', problems);
  for (const source of sources.map((each) => path.resolve(each))) {
    const top = into ? childPath(target, path.basename(source)) : target;
    await problems.catch(async () => {
      for await (const { below, isFolder } of localTree(source)) {
        const to = below === '' ? top : `${top}/${below}`;
        if (isFolder) await fs.createDirectory(to, { recursive: true, allowExists: true });
        else
          await transfer.add(async (moved) => {
            const from = path.join(source, below);
            if (await upload(fs, from, to, how(options), moved)) await print(`Copied file://${shownName(from)} to ${shownName(to)}`);
          });
      }
    });
  }
  await transfer.settle();
}

async function copyOut(fs: FileSystem, sources: readonly string[], local: string, options: CopyOptions, problems: Problems): Promise<void> {
  const target = path.resolve(local);
  const into = await isLocalFolder(target);
  const found = await pathsOf(fs, sources);
  if (found.length > 1 && !into) throw notDirectory(target);
  using transfer = new Transfer('copied', problems);
  await eachFile(fs, found, problems, async (from, below, source) => {
    const to = path.join(into ? path.join(target, lastName(source)) : target, below);
    await transfer.add(async (moved) => {
      if (await download(fs, from, to, how(options), moved)) await print(`Copied ${shownName(from)} to file://${shownName(to)}`);
    });
  });
  await transfer.settle();
}

async function copyWithin(
  fs: FileSystem,
  sources: readonly string[],
  pattern: string,
  options: CopyOptions,
  problems: Problems,
): Promise<void> {
  const target = await expandToOne(fs, pattern);
  const into = await isDirectory(fs, target);
  const found = await pathsOf(fs, sources);
  if (found.length > 1 && !into) throw notDirectory(target);
  using transfer = new Transfer('copied', problems);
  const targetOf = (source: string) => (into ? childPath(target, lastName(source)) : target);
  for (const source of found) {
    if (options.R !== true && (await fs.getStatus(source)).directory) {
      const message = `is a directory; with -R it is copied with all that is in it: path=${source}`;
      throw new UnderstudyError('failed_precondition', message, { errno: 'EISDIR', path: source });
    }
    if (targetOf(source) === source || targetOf(source).startsWith(`${source}/`))
      throw new UnderstudyError('invalid_argument', `it cannot be copied into itself: path=${source} to=${targetOf(source)}`);
  }
  await eachFile(fs, found, problems, async (from, below, source) => {
    const to = below === '' ? targetOf(source) : `${targetOf(source)}/${below}`;
    await transfer.add(async (moved) => {
      if (await copyFile(fs, from, to, how(options), moved)) await print(`Copied ${shownName(from)} to ${shownName(to)}`);
    });
  });
  await transfer.settle();
}

/** Calls `copy` with each file at and below the sources, and its way from there. */
async function eachFile(
  fs: FileSystem,
  sources: readonly string[],
  problems: Problems,
  copy: (from: string, below: string, source: string) => Promise<void>,
): Promise<void> {
  for (const source of sources) {
    await problems.catch(async () => {
      for await (const status of fs.walk(source, { skipped: (_, error) => problems.tell(error) })) {
        if (problems.isHopeless) return;
        const below = status.path.slice(source === '/' ? 1 : source.length + 1);
        if (!status.directory) await copy(status.path, below, source);
      }
    });
  }
}

/** @returns what the patterns stand for, in order: what is copied may match again. */
async function pathsOf(fs: FileSystem, patterns: readonly string[]): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const pattern of patterns) {
    for await (const found of expandPath(fs, pattern)) {
      if (paths.length === SOURCES_MAX) throw new UnderstudyError('resource_exhausted', `more than ${SOURCES_MAX} paths match`);
      paths.push(found);
    }
  }
  return paths;
}

function how({ f = false, resume = false, writeType }: CopyOptions): TransferOptions {
  return { overwrite: f, resume, write: writeType === undefined ? {} : { writeType } };
}

async function isDirectory(fs: FileSystem, at: string): Promise<boolean> {
  try {
    return (await fs.getStatus(at)).directory;
  } catch (error) {
    if (isError(error, 'not_found')) return false;
    throw error;
  }
}

async function isLocalFolder(place: string): Promise<boolean> {
  return await stat(place).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

function notDirectory(target: string): UnderstudyError {
  return new UnderstudyError('failed_precondition', `the target of several paths has to be a directory: path=${target}`, {
    errno: 'ENOTDIR',
  });
}

function lastName(at: string): string {
  const trimmed = at.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}
