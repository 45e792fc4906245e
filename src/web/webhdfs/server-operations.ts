/**
 * What a server is and has: where users are at home, its defaults, its one storage policy, no erasure coding, no tokens (security is off), no
 * snapshots and no symbolic links.
 */
import { operations } from '../../metadata/operations.js';
import { REPLICATION_DEFAULT } from './file-status-json.js';
import { type JavaException, RemoteException, renaming } from './remote-exception.js';
import type { OperationsByMethod, WebHdfsAnswer, WebHdfsCall, WebHdfsOperation } from './web-hdfs-call.js';

/** All that is kept is kept alike; by the name and number that Hadoop has for that. */
const POLICY = {
  copyOnCreateFile: false,
  creationFallbacks: [],
  id: 7,
  name: 'HOT',
  replicationFallbacks: [],
  storageTypes: ['DISK'],
};
const CRC32C = 2;
const WRITE = 2;
/** Who says no name. */
const NOBODY = 'nobody';

export const serverOperations: OperationsByMethod = {
  GET: {
    GETHOMEDIRECTORY: async ({ user }) => JSON.stringify({ Path: home(user) }),
    GETTRASHROOT: tellTrashRoot,
    GETSERVERDEFAULTS: tellDefaults,
    GETSTATUS: async () => '{"FsStatus":{"used":0,"remaining":0,"capacity":0}}',
    GETALLSTORAGEPOLICY: async () => JSON.stringify({ BlockStoragePolicies: { BlockStoragePolicy: [POLICY] } }),
    GETSTORAGEPOLICY: (call) => ofPath(call, JSON.stringify({ BlockStoragePolicy: POLICY })),
    GETECPOLICY: (call) => ofPath(call, 'null'),
    GETECPOLICIES: async () => '{"ErasureCodingPolicies":{"ErasureCodingPolicyInfo":[]}}',
    GETECCODECS: async () => '{"ErasureCodingCodecs":{}}',
    GETDELEGATIONTOKEN: async () => '{"Token":null}',
    GETLINKTARGET: tellLinkTarget,
    GETTRASHROOTS: refused('trash roots are not listed'),
    ...snapshots('GETSNAPSHOTDIFF', 'GETSNAPSHOTDIFFLISTING', 'GETSNAPSHOTTABLEDIRECTORYLIST', 'GETSNAPSHOTLIST'),
  },
  PUT: {
    SETSTORAGEPOLICY: setStoragePolicy,
    SATISFYSTORAGEPOLICY: refused('there is one storage policy, which all that is kept satisfies'),
    SETQUOTABYSTORAGETYPE: refused('quotas are of names and bytes, not of types of storage'),
    SETECPOLICY: refused('there is no erasure coding'),
    ENABLEECPOLICY: refused('there is no erasure coding'),
    DISABLEECPOLICY: refused('there is no erasure coding'),
    CREATESYMLINK: refused('Symlinks not supported'),
    RENEWDELEGATIONTOKEN: refuseToken,
    CANCELDELEGATIONTOKEN: refuseToken,
    ...snapshots('ALLOWSNAPSHOT', 'DISALLOWSNAPSHOT', 'CREATESNAPSHOT', 'RENAMESNAPSHOT'),
  },
  POST: {
    UNSETSTORAGEPOLICY: keepPolicy,
    UNSETECPOLICY: refused('there is no erasure coding'),
  },
  DELETE: snapshots('DELETESNAPSHOT'),
};

function home(user: string): string {
  return `/user/${user || NOBODY}`;
}

/** Where DELETE moves to while the trash is on; else where Hadoop's clients have theirs. */
async function tellTrashRoot({ user, settings }: WebHdfsCall): Promise<string> {
  return JSON.stringify({ Path: settings.trashIntervalMs > 0 ? `/.Trash/${user || NOBODY}` : `${home(user)}/.Trash` });
}

/** No interval of the trash is told: DELETE itself goes there, and clients need not move anything before. */
async function tellDefaults({ settings }: WebHdfsCall): Promise<string> {
  const FsServerDefaults = {
    replication: REPLICATION_DEFAULT,
    encryptDataTransfer: false,
    defaultStoragePolicyId: POLICY.id,
    writePacketSize: 65_536,
    fileBufferSize: 4_096,
    checksumType: CRC32C,
    trashInterval: 0,
    keyProviderUri: '',
    blockSize: settings.blockBytesDefault,
    bytesPerChecksum: 512,
  };
  return JSON.stringify({ FsServerDefaults });
}

/** Answers where the path is there. */
async function ofPath({ calls, path, user, options }: WebHdfsCall, answer: WebHdfsAnswer): Promise<WebHdfsAnswer> {
  await renaming({ ENOTDIR: 'FileNotFoundException' }, calls.call(operations.getStatus, { path, user }, options));
  return answer;
}

/** Changes nothing, where the caller might change it. */
async function keepPolicy({ calls, path, user, options }: WebHdfsCall): Promise<WebHdfsAnswer> {
  await calls.call(operations.checkAccess, { path, user, wanted: WRITE }, options);
  return undefined;
}

async function setStoragePolicy(call: WebHdfsCall): Promise<WebHdfsAnswer> {
  const name = call.parameters.text('storagepolicy');
  if (name === undefined) throw new RemoteException('IllegalArgumentException', 'Storage policy name is empty.');
  if (name.toUpperCase() === POLICY.name) return keepPolicy(call);
  throw new RemoteException('HadoopIllegalArgumentException', `Cannot find a block policy with the name ${name}`);
}

async function tellLinkTarget(call: WebHdfsCall): Promise<never> {
  await ofPath(call, undefined);
  throw new RemoteException('IOException', `Path ${call.path} is not a symbolic link`);
}

async function refuseToken({ parameters, op }: WebHdfsCall): Promise<never> {
  parameters.required('token', op);
  throw new RemoteException('InvalidToken', 'no delegation tokens are issued here: security is off');
}

function refused(why: string, exception: JavaException = 'UnsupportedOperationException'): WebHdfsOperation {
  return async () => {
    throw new RemoteException(exception, why);
  };
}

function snapshots(...ops: readonly string[]): Readonly<Record<string, WebHdfsOperation>> {
  return Object.fromEntries(ops.map((op) => [op, refused('there are no snapshots', 'SnapshotException')]));
}
