/**
 * The commands of `fs` that make, move and remove files and directories.
 */
import { Option } from 'commander';
import { isError, UnderstudyError } from '../../base/errors.js';
import { childPath } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import type { RemoveOptions } from '../../client/file-system-options.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { octalMode } from '../option-values.js';
import { print } from '../output.js';
import { expandPath, expandToOne } from './expand-paths.js';
import { shownName } from './ls-format.js';

export function addTreeCommands(frame: ClientFrame): void {
  frame
    .command('mkdir <path...>', 'make directories')
    .option('-p', 'make missing parents; a directory that exists is no error')
    .option('-m <mode>', 'permissions in octal (default: 0777 less the umask)', octalMode)
    .action((patterns: string[], { p = false, m }: { p?: boolean; m?: number }) =>
      frame.forPaths('mkdir', patterns, async (fs, path) => {
        await fs.createDirectory(path, { recursive: p, allowExists: p, ...(m === undefined ? {} : { mode: m }) });
        await print(`Successfully created directory ${shownName(path)}`);
      }),
    );
  frame
    .command('touch <path...>', 'make empty, complete files; a path that exists is an error, and is left as it is')
    .action((patterns: string[]) =>
      frame.forPaths('touch', patterns, async (fs, path) => {
        await fs.createFile(path, { completeLength: 0, persist: (fs.client.settings.data.writeType ?? 'MUST_CACHE') !== 'MUST_CACHE' });
        await print(`${shownName(path)} has been created`);
      }),
    );
  frame
    .command('rm <path...>', 'remove files; into the trash, where the masters keep one')
    .option('-R', 'remove directories with all that is in them, too')
    .option('-f', 'what is not there is no error')
    .option('--skipTrash', 'remove for good where the masters keep a trash')
    .option('--alluxioOnly', 'leave the under store as it is')
    .addOption(new Option('-r').hideHelp())
    // Alluxio's: do not look first whether the under store agrees. Nothing does here.
    .addOption(new Option('-U').hideHelp())
    .action((patterns: string[], options: RmOptions) => rm(frame, patterns, options));
  frame
    .command('mv <path...>', 'move files and directories; into the last path, if that is a directory')
    .usage('[options] <source...> <target>')
    .option('-f', 'replace what is there: a file by a file, an empty directory by a directory')
    .action((paths: string[], { f = false }: { f?: boolean }) => {
      const [target, sources] = [paths.at(-1) ?? '', paths.slice(0, -1)];
      if (sources.length === 0) throw new CommandFailed(EXIT.usage, 'mv: a source and a target have to be given');
      return frame.withClient((fs) => mv(frame, fs, sources, target, f));
    });
}

interface RmOptions {
  readonly R?: boolean;
  readonly r?: boolean;
  readonly f?: boolean;
  readonly skipTrash?: boolean;
  readonly alluxioOnly?: boolean;
}

function rm(frame: ClientFrame, patterns: readonly string[], options: RmOptions): Promise<void> {
  const { R = false, r = false, f = false, skipTrash = false, alluxioOnly = false } = options;
  const how: RemoveOptions = { recursive: R || r, skipTrash, namespaceOnly: alluxioOnly };
  return frame.withClient(async (fs) => {
    const problems = frame.problems('rm');
    const tell = (error: unknown) => {
      if (!f || !isError(error, 'not_found')) problems.tell(error);
    };
    for (const pattern of patterns) {
      if (problems.isHopeless) break;
      try {
        for await (const path of expandPath(fs, pattern)) {
          await remove(fs, path, how).catch(tell);
          if (problems.isHopeless) break;
        }
      } catch (error) {
        tell(error);
      }
    }
    problems.throwIfAny();
  });
}

async function remove(fs: FileSystem, path: string, how: RemoveOptions): Promise<void> {
  if (how.recursive !== true && (await fs.getStatus(path)).directory) {
    const message = `is a directory; with -R it is removed with all that is in it: path=${path}`;
    throw new UnderstudyError('failed_precondition', message, { errno: 'EISDIR', path });
  }
  await fs.remove(path, how);
  await print(`${shownName(path)} has been removed`);
}

async function mv(
  frame: ClientFrame,
  fs: FileSystem,
  patterns: readonly string[],
  targetPattern: string,
  overwrite: boolean,
): Promise<void> {
  const problems = frame.problems('mv');
  await problems.catch(async () => {
    const target = await expandToOne(fs, targetPattern);
    const sources: string[] = [];
    for (const pattern of patterns) await problems.catch(async () => void (await gatherPaths(fs, pattern, sources)));
    const isSeveral = sources.length > 1 || patterns.length > 1;
    if (isSeveral && !(await isDirectory(fs, target))) {
      throw new UnderstudyError('failed_precondition', `the target of several paths has to be a directory: path=${target}`, {
        errno: 'ENOTDIR',
      });
    }
    for (const source of sources) {
      if (problems.isHopeless) break;
      // Of several, none may take the directory's place.
      const to = isSeveral ? childPath(target, lastName(source)) : target;
      await problems.catch(async () => {
        await fs.rename(source, to, isSeveral ? { overwrite } : { overwrite, into: true });
        await print(`Renamed ${shownName(source)} to ${shownName(to)}`);
      });
    }
  });
  problems.throwIfAny();
}

/** Sources are all found before the first is moved: what is moved may match again. */
const SOURCES_MAX = 1_000_000;

async function gatherPaths(fs: FileSystem, pattern: string, paths: string[]): Promise<void> {
  for await (const path of expandPath(fs, pattern)) {
    if (paths.length === SOURCES_MAX) throw new UnderstudyError('resource_exhausted', `more than ${SOURCES_MAX} paths match`);
    paths.push(path);
  }
}

async function isDirectory(fs: FileSystem, path: string): Promise<boolean> {
  try {
    return (await fs.getStatus(path)).directory;
  } catch (error) {
    if (isError(error, 'not_found')) return false;
    throw error;
  }
}

function lastName(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}
