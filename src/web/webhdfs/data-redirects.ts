/**
 * What moves the bytes of a file (CREATE, APPEND, OPEN, GETFILECHECKSUM): the master sends the client to the web port of a worker, as a NameNode
 * sends it to a DataNode. The same target, byte for byte, is asked for there; with `noredirect=true` the place is told in the answer.
 *
 * A worker that has the block asked for comes first, then one on the client's host, then the one with the most room.
 */
import type { understudy } from '#proto/understudy.js';
import { operations } from '../../metadata/operations.js';
import { RemoteException, renaming } from './remote-exception.js';
import { type OperationsByMethod, type WebHdfsCall, WebHdfsRedirect } from './web-hdfs-call.js';

const READ = 4;
const WRITE = 2;

export const dataRedirects: OperationsByMethod = {
  GET: { OPEN: redirectToBytes, GETFILECHECKSUM: redirectToBytes },
  PUT: { CREATE: (call) => redirect(call, []) },
  POST: { APPEND: redirectToEnd },
};

async function redirectToBytes(call: WebHdfsCall): Promise<WebHdfsRedirect> {
  const { calls, path, user, parameters, options } = call;
  const inode = await checkFile(call, READ);
  const offset = parameters.number('offset') ?? 0;
  const length = inode?.length ?? 0;
  if (offset > length) throw new RemoteException('IOException', `Offset=${offset} out of the range [0, ${length}); OPEN, path=${path}`);
  if (offset === length) return redirect(call, []);
  const { blocks } = await calls.call(operations.getBlockLocations, { path, user, offset, length: 1 }, options);
  return redirect(call, blocks[0]?.workers ?? []);
}

async function redirectToEnd(call: WebHdfsCall): Promise<WebHdfsRedirect> {
  await checkFile(call, WRITE);
  return redirect(call, []);
}

/** What would be refused is told by the master, who knows. */
async function checkFile({ calls, path, user, options }: WebHdfsCall, wanted: number): Promise<understudy.Inode.$Properties | null> {
  await renaming({ ENOTDIR: 'FileNotFoundException' }, calls.call(operations.checkAccess, { path, user, wanted }, options));
  const { inode = null } = await calls.call(operations.getStatus, { path, user }, options);
  if (inode?.directory) throw new RemoteException('FileNotFoundException', `Path is not a file: ${path}`);
  return inode;
}

/** @param holders RPC addresses of workers that have the first block. */
async function redirect({ calls, user, options, target, op }: WebHdfsCall, holders: readonly string[]): Promise<WebHdfsRedirect> {
  const { workers } = await calls.call(operations.listWorkers, { user }, options);
  const live = workers.filter(({ state, worker }) => state === 'LIVE' && worker?.webAddress);
  const client = options.peer.slice(0, options.peer.lastIndexOf(':')).replace(/^::ffff:/, '');
  const rank = (info: understudy.WorkerInfo.$Properties) => {
    const rpcAddress = info.worker?.rpcAddress ?? '';
    return [+holders.includes(rpcAddress), +(hostOf(rpcAddress) === client), freeBytes(info)];
  };
  const [chosen] = live.map((info) => ({ info, rank: rank(info) })).sort((a, b) => byRank(b.rank, a.rank));
  const address = chosen?.info.worker?.webAddress;
  if (address === undefined)
    throw new RemoteException('IOException', `${op} needs a worker, which holds the data of files: there is none now`);
  return new WebHdfsRedirect(`http://${address}${target}`);
}

function byRank(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}

function freeBytes({ tiers }: understudy.WorkerInfo.$Properties): number {
  return (tiers ?? []).reduce((sum, { capacityBytes = 0, usedBytes = 0 }) => sum + (capacityBytes ?? 0) - (usedBytes ?? 0), 0);
}
