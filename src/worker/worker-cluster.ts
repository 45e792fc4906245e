/**
 * What the blocks of a worker are of: `CLUSTER` in each of its directories, one line with the id of the cluster and that of its journal's incarnation. To
 * the masters of another cluster they would be of no file; after a restore, which gives numbers of inodes out again, perhaps of others.
 */
import path from 'node:path';
import { UnderstudyError } from '../base/errors.js';
import { errnoOf } from '../base/files.js';
import type { Log } from '../base/log.js';
import type { BlockFiles } from './block-files.js';

export interface WorkerClusterDeps {
  readonly files: BlockFiles;
  readonly log: Log;
}

/** Ids; empty: of none yet. */
export interface BlocksOf {
  readonly clusterId: string;
  readonly incarnationId: string;
}

const NAME = 'CLUSTER';
const BYTES_MAX = 1024;

/**
 * Directories that do not say it yet are told what the others say. One that cannot be read says nothing.
 *
 * @throws `failed_precondition`: directories contradict each other.
 */
export async function readCluster(directories: readonly string[], deps: WorkerClusterDeps): Promise<BlocksOf> {
  const { files, log } = deps;
  const silent: string[] = [];
  let known = '';
  for (const directory of directories) {
    const told = await readOne(files, directory).catch((error: unknown) => {
      log.warn({ error, directory }, 'a directory does not say which cluster its blocks are of');
      return undefined;
    });
    if (told === undefined) continue;
    if (told === '') silent.push(directory);
    if (known !== '' && told !== '' && told !== known)
      throw new UnderstudyError(
        'failed_precondition',
        `directories hold blocks of two clusters: directory=${directory} cluster=${told} others=${known}`,
      );
    known ||= told;
  }
  const [clusterId = '', incarnationId = ''] = known.split(' ');
  const blocksOf = { clusterId, incarnationId };
  if (known !== '') await writeCluster(silent, blocksOf, deps);
  return blocksOf;
}

/** A directory whose disk fails goes without: the others have it. */
export async function writeCluster(
  directories: readonly string[],
  { clusterId, incarnationId }: BlocksOf,
  { files, log }: WorkerClusterDeps,
): Promise<void> {
  for (const directory of directories) {
    const filePath = path.join(directory, NAME);
    try {
      await files.removeFile(`${filePath}.part`);
      await files.createFileDurable(`${filePath}.part`, Buffer.from(`${clusterId} ${incarnationId}\n`));
      await files.rename(`${filePath}.part`, filePath);
      await files.syncFolder(directory);
    } catch (error) {
      log.warn({ error, directory }, 'a directory cannot be told which cluster its blocks are of');
    }
  }
}

async function readOne(files: BlockFiles, directory: string): Promise<string> {
  try {
    await using file = await files.open(path.join(directory, NAME));
    const bytes = Buffer.alloc(BYTES_MAX);
    return bytes.toString('utf8', 0, await file.readSome(bytes, 0)).trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}
