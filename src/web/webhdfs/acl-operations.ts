/**
 * Access control lists. GETACLSTATUS leaves out what `permission` says: owner, others, and the mask, which is the group's digit of it.
 */
import { understudy } from '#proto/understudy.js';
import { isError } from '../../base/errors.js';
import type { AclEntry, AclName } from '../../metadata/acl.js';
import { formatAclEntry, parseAcl, parseAclNames } from '../../metadata/acl-text.js';
import { aclEntryMessage, aclEntryOf } from '../../metadata/inode-more.js';
import { operations } from '../../metadata/operations.js';
import { permissionOf } from './file-status-json.js';
import { badParameter } from './parameters.js';
import { renaming } from './remote-exception.js';
import type { OperationsByMethod, WebHdfsAnswer, WebHdfsCall } from './web-hdfs-call.js';

const { AclAction } = understudy;
const STICKY = 0o1000;

export const aclOperations: OperationsByMethod = {
  GET: { GETACLSTATUS: tellAcl },
  PUT: {
    MODIFYACLENTRIES: (call) => edit(call, AclAction.MODIFY, specified(call, parseAcl)),
    SETACL: (call) => edit(call, AclAction.REPLACE, specified(call, parseAcl)),
    REMOVEACLENTRIES: (call) => edit(call, AclAction.REMOVE, specified(call, parseAclNames)),
    REMOVEDEFAULTACL: (call) => edit(call, AclAction.REMOVE_DEFAULT),
    REMOVEACL: (call) => edit(call, AclAction.REMOVE_ALL),
  },
};

async function tellAcl({ calls, path, user, options }: WebHdfsCall): Promise<string> {
  const { inode } = await calls.call(operations.getStatus, { path, user }, options);
  const { owner, group, mode, more } = inode ?? {};
  const entries = (more?.acl ?? []).map((entry) => formatAclEntry(aclEntryOf(entry)));
  return JSON.stringify({
    AclStatus: { entries, group, owner, permission: permissionOf(mode), stickyBit: ((mode ?? 0) & STICKY) !== 0 },
  });
}

async function edit(
  { calls, path, user, options }: WebHdfsCall,
  action: understudy.AclAction,
  entries: readonly AclEntry[] = [],
): Promise<WebHdfsAnswer> {
  const request = { path, caller: { user }, action, entries: entries.map(aclEntryMessage) };
  await renaming({ EINVAL: 'AclException', ENOTDIR: 'FileNotFoundException' }, calls.call(operations.setAcl, request, options));
  return undefined;
}

function specified({ parameters, op }: WebHdfsCall, parse: (text: string) => readonly (AclName | AclEntry)[]): AclEntry[] {
  const text = parameters.required('aclspec', op);
  try {
    return parse(text).map((entry) => ({ permissions: 0, ...entry }));
  } catch (error) {
    throw isError(error) ? badParameter('aclspec', error.message) : error;
  }
}
