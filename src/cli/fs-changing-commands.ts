/**
 * The commands of `fs` that change the namespace.
 */
import { Option } from 'commander';
import { isError, UnderstudyError } from '../base/errors.js';
import { childPath } from '../client/file-status.js';
import type { FileSystem } from '../client/file-system.js';
import type { ClientFrame } from './client-frame.js';
import { CommandFailed, EXIT } from './exit-code.js';
import { print } from './output.js';

export function addChangingCommands(frame: ClientFrame): void {
  frame
    .command('mkdir <path...>', 'make directories')
    .option('-p', 'make missing parents; a directory that exists is no error')
    .action((paths: string[], { p }: { p?: boolean }) =>
      frame.withClient((fs) =>
        frame.forEach('mkdir', paths, async (path) => {
          await fs.createDirectory(path, p === true ? { recursive: true, allowExists: true } : {});
          await print(`Successfully created directory ${path}`);
        }),
      ),
    );
  frame
    .command('touch <path...>', 'make empty, complete files; a path that exists is an error, and is left as it is')
    .action((paths: string[]) =>
      frame.withClient((fs) =>
        frame.forEach('touch', paths, async (path) => {
          await fs.createFile(path, { completeLength: 0 });
          await print(`${path} has been created`);
        }),
      ),
    );
  frame
    .command('rm <path...>', 'remove files')
    .option('-R', 'remove directories with all that is in them, too')
    .addOption(new Option('-r').hideHelp())
    .action((paths: string[], { R, r }: { R?: boolean; r?: boolean }) =>
      frame.withClient((fs) => frame.forEach('rm', paths, (path) => remove(fs, path, R === true || r === true))),
    );
  frame
    .command('mv <path...>', 'move files and directories; into the last path, if that is a directory')
    .usage('[options] <source...> <target>')
    .action((paths: string[]) => {
      const target = paths.at(-1) as string;
      if (paths.length < 2) throw new CommandFailed(EXIT.usage, 'mv: a source and a target have to be given');
      return frame.withClient(async (fs) => {
        const into = await isDirectory(fs, target);
        if (!into && paths.length > 2)
          throw new CommandFailed(EXIT.failed, `mv: the target of several paths has to be a directory: ${target}`);
        await frame.forEach('mv', paths.slice(0, -1), (source) => move(fs, source, into ? childPath(target, lastName(source)) : target));
      });
    });
}

async function remove(fs: FileSystem, path: string, recursive: boolean): Promise<void> {
  if (!recursive && (await isDirectory(fs, path))) {
    throw new UnderstudyError('failed_precondition', `${path} is a directory; with -R it is removed with all that is in it`);
  }
  await fs.remove(path, { recursive });
  await print(`${path} has been removed`);
}

async function move(fs: FileSystem, from: string, to: string): Promise<void> {
  await fs.rename(from, to);
  await print(`Renamed ${from} to ${to}`);
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
