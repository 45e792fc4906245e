/**
 * What is below a path, and its bounds. A quota is that of the namespace here: it counts what is below a directory, and not the directory itself.
 */
import type { understudy } from '#proto/understudy.js';
import { operations } from '../../metadata/operations.js';
import { SUM_MAX, sumMessage, sumOf } from '../../metadata/sum.js';
import { badParameter } from './parameters.js';
import { RemoteException } from './remote-exception.js';
import type { OperationsByMethod, WebHdfsAnswer, WebHdfsCall } from './web-hdfs-call.js';

/** Hadoop's numbers for a quota that is to stay and for one that is to go; also where there is none. */
const STAYS = SUM_MAX;
const NONE = -1n;

export const usageOperations: OperationsByMethod = {
  GET: { GETCONTENTSUMMARY: tellSummary, GETQUOTAUSAGE: tellQuotaUsage },
  PUT: { SETQUOTA: setQuota },
};

async function tellSummary(call: WebHdfsCall): Promise<string> {
  const { files, directories, bytes, quota, spaceQuota } = await usage(call);
  const policy = directories === 0 ? 'Replicated' : '';
  return (
    `{"ContentSummary":{"directoryCount":${directories},"ecPolicy":"${policy}","fileCount":${files},"length":${bytes},"quota":${quota},` +
    '"snapshotDirectoryCount":0,"snapshotFileCount":0,"snapshotLength":0,"snapshotSpaceConsumed":0,' +
    `"spaceConsumed":${bytes},"spaceQuota":${spaceQuota},"typeQuota":{}}}`
  );
}

async function tellQuotaUsage(call: WebHdfsCall): Promise<string> {
  const { files, directories, bytes, quota, spaceQuota } = await usage(call);
  const counts = `"fileAndDirectoryCount":${files + directories},"quota":${quota}`;
  return `{"QuotaUsage":{${counts},"spaceConsumed":${bytes},"spaceQuota":${spaceQuota},"typeQuota":{}}}`;
}

/** Bytes may pass what a number holds exactly: they are put into the text as they are. */
async function usage({ calls, path, user, options }: WebHdfsCall) {
  const { files, directories, bytes, quota } = await calls.call(operations.contentSummary, { path, user }, options);
  return { files, directories, bytes: sumOf(bytes), quota: quota?.namesMax || NONE, spaceQuota: sumOf(quota?.bytesMax) || NONE };
}

async function setQuota({ calls, path, user, parameters, options }: WebHdfsCall): Promise<WebHdfsAnswer> {
  const bound = (name: string) => {
    const value = parameters.whole(name, { min: NONE }) ?? STAYS;
    if (value === 0n) throw new RemoteException('IllegalArgumentException', `Invalid values for quota : ${name} = 0`);
    return value;
  };
  const [names, bytes] = [bound('namespacequota'), bound('storagespacequota')];
  if (names !== STAYS && names > BigInt(Number.MAX_SAFE_INTEGER)) throw badParameter('namespacequota', `no more than 2^53: ${names}`);
  const request: understudy.SetQuotaRequest.$Properties = {
    ...(names === STAYS ? {} : { namesMax: names === NONE ? 0 : Number(names) }),
    ...(bytes === STAYS ? {} : { bytesMax: bytes === NONE ? { high: 0, low: 0 } : sumMessage(bytes) }),
  };
  await calls.call(operations.setQuota, { path, caller: { user }, ...request }, options);
  return undefined;
}
