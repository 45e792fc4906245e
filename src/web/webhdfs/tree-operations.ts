/** What makes, moves, removes and tells of files and directories. */
import { operations } from '../../metadata/operations.js';
import { fileStatusJson } from './file-status-json.js';
import { RemoteException, renaming, unless } from './remote-exception.js';
import { booleanJson, type OperationsByMethod, type WebHdfsAnswer, type WebHdfsCall } from './web-hdfs-call.js';

const DIRECTORY_MODE = 0o755;
const RENAME_OPTIONS = ['NONE', 'OVERWRITE', 'TO_TRASH'] as const;

export const treeOperations: OperationsByMethod = {
  // There are no symbolic links: what a path names is never behind one.
  GET: { GETFILESTATUS: tellStatus, GETFILELINKSTATUS: tellStatus },
  PUT: { MKDIRS: makeDirectories, RENAME: rename },
  DELETE: { DELETE: remove },
};

async function tellStatus({ calls, path, user, options }: WebHdfsCall): Promise<string> {
  const asked = calls.call(operations.getStatus, { path, user }, options);
  const { inode } = await renaming({ ENOTDIR: 'FileNotFoundException' }, asked);
  return `{"FileStatus":${fileStatusJson(inode ?? {}, '')}}`;
}

async function makeDirectories({ calls, path, user, parameters, options }: WebHdfsCall): Promise<string> {
  const mode = parameters.mode('permission') ?? DIRECTORY_MODE;
  // The client's umask has gone from `permission` already; a default access control list takes its place, so what it took has to be known.
  const unmasked = parameters.mode('unmaskedpermission') ?? mode;
  const request = { path, mode: unmasked, umask: unmasked & ~mode, recursive: true, allowExists: true };
  await calls.call(operations.createDirectory, { ...request, caller: { user } }, options);
  return booleanJson(true);
}

async function remove({ calls, path, user, parameters, options }: WebHdfsCall): Promise<string> {
  const recursive = parameters.boolean('recursive', false);
  if (path === '/') return booleanJson(false);
  const removing = calls.call(operations.remove, { path, recursive, caller: { user } }, options);
  return unless(
    ['ENOENT', 'ENOTDIR'],
    booleanJson(false),
    removing.then(() => booleanJson(true)),
  );
}

function rename(call: WebHdfsCall): Promise<WebHdfsAnswer> {
  const to = call.parameters.path('destination', call.op);
  const renameOptions = call.parameters.words('renameoptions', RENAME_OPTIONS);
  return renameOptions.size === 0 ? renameOrSayNo(call, to) : renameOrThrow(call, to, renameOptions.has('OVERWRITE'));
}

/** The older rename: into a directory that is there, and no exception where it cannot be. */
async function renameOrSayNo({ calls, path: from, user, options }: WebHdfsCall, to: string): Promise<string> {
  const renaming = calls.call(operations.rename, { from, to, into: true, caller: { user } }, options);
  const no = ['ENOENT', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY', 'EINVAL'] as const;
  return unless(
    no,
    booleanJson(false),
    renaming.then(() => booleanJson(true)),
  );
}

async function renameOrThrow({ calls, path: from, user, options }: WebHdfsCall, to: string, overwrite: boolean): Promise<WebHdfsAnswer> {
  const asked = calls.call(operations.rename, { from, to, overwrite, caller: { user } }, options);
  await renaming({ EINVAL: 'IOException', EISDIR: 'IOException', ENOTEMPTY: 'IOException' }, asked);
  if (from === to) throw new RemoteException('FileAlreadyExistsException', `source and destination are the same: path=${to}`);
  return undefined;
}
