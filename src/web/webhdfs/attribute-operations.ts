/** What changes a file's or directory's attributes, and what asks for permission. */
import type { understudy } from '#proto/understudy.js';
import { operations } from '../../metadata/operations.js';
import { badParameter } from './parameters.js';
import { RemoteException, unless } from './remote-exception.js';
import { booleanJson, type OperationsByMethod, type WebHdfsAnswer, type WebHdfsCall } from './web-hdfs-call.js';

const MODE = 0o755;
const REPLICATION = 1;
const REPLICATION_MAX = 32_767n;
/** Stands for a time that is to stay. */
const STAYS = -1;
const FS_ACTION = /^[r-][w-][x-]$/;

export const attributeOperations: OperationsByMethod = {
  GET: { CHECKACCESS: checkAccess },
  PUT: { SETPERMISSION: setPermission, SETOWNER: setOwner, SETTIMES: setTimes, SETREPLICATION: setReplication },
};

async function checkAccess({ calls, path, user, parameters, op, options }: WebHdfsCall): Promise<WebHdfsAnswer> {
  const action = parameters.required('fsaction', op);
  if (!FS_ACTION.test(action)) throw badParameter('fsaction', `Invalid value: "${action}" does not belong to the domain [r-][w-][x-]`);
  const has = (letter: string, bit: number) => (action.includes(letter) ? bit : 0);
  await calls.call(operations.checkAccess, { path, user, wanted: has('r', 4) | has('w', 2) | has('x', 1) }, options);
  return undefined;
}

function setPermission(call: WebHdfsCall): Promise<WebHdfsAnswer> {
  return set(call, { mode: call.parameters.mode('permission') ?? MODE });
}

function setOwner(call: WebHdfsCall): Promise<WebHdfsAnswer> {
  const owner = call.parameters.text('owner');
  const group = call.parameters.text('group');
  if (owner === undefined && group === undefined) throw new RemoteException('IllegalArgumentException', 'Both owner and group are empty.');
  return set(call, { owner: owner ?? null, group: group ?? null });
}

function setTimes(call: WebHdfsCall): Promise<WebHdfsAnswer> {
  const time = (name: string) => call.parameters.number(name, { min: BigInt(STAYS) }) ?? STAYS;
  const [modified, accessed] = [time('modificationtime'), time('accesstime')];
  return set(call, { modifiedMs: modified === STAYS ? null : modified, accessedMs: accessed === STAYS ? null : accessed });
}

/** How many copies there are at least; of a directory, or where there is nothing, it says no. */
async function setReplication(call: WebHdfsCall): Promise<WebHdfsAnswer> {
  const replicationMin = call.parameters.number('replication', { min: 1n, max: REPLICATION_MAX }) ?? REPLICATION;
  const setting = set(call, { replicationMin }).then(() => booleanJson(true));
  return unless(['EISDIR', 'ENOENT', 'ENOTDIR'], booleanJson(false), setting);
}

async function set(
  { calls, path, user, options }: WebHdfsCall,
  attributes: Omit<understudy.SetAttributesRequest.$Properties, 'path' | 'caller'>,
): Promise<WebHdfsAnswer> {
  await calls.call(operations.setAttributes, { path, caller: { user }, ...attributes }, options);
  return undefined;
}
