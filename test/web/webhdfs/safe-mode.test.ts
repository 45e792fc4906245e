/** What WebHDFS says of changes while nothing may be changed: what Hadoop's clients know as safe mode; reads go on. */
import { expect, onTestFinished, test } from 'vitest';
import { UnderstudyError } from '../../../src/base/errors.js';
import { operations } from '../../../src/metadata/operations.js';
import { waitUntil } from '../../servers/wait-until.js';
import { ServedWebHdfs } from './served-web-hdfs.js';

const CHANGES = [
  'PUT /new?op=MKDIRS&user.name=o',
  'PUT /d?op=SETPERMISSION&permission=700&user.name=o',
  'PUT /d?op=RENAME&destination=/e&user.name=o',
  'DELETE /d?op=DELETE&user.name=o',
];

const SAFE_MODE = {
  status: 403,
  json: {
    RemoteException: {
      exception: 'SafeModeException',
      javaClassName: 'org.apache.hadoop.hdfs.server.namenode.SafeModeException',
      message: expect.any(String),
    },
  },
};

async function open(): Promise<ServedWebHdfs> {
  const hdfs = await ServedWebHdfs.open();
  onTestFinished(() => hdfs[Symbol.asyncDispose]());
  expect((await hdfs.ask('PUT /d?op=MKDIRS&user.name=o')).json).toEqual({ boolean: true });
  return hdfs;
}

test('frozen: changes are refused as in safe mode, with who froze it and why, until it is thawed', async () => {
  const hdfs = await open();
  const [master] = hdfs.namespace.cluster.masters;
  const options = () => ({ peer: 'operator:1', signal: AbortSignal.timeout(5_000) });
  await master?.calls.call(operations.freeze, { user: 'o', reason: 'new disks' }, options());
  for (const change of CHANGES) expect(await hdfs.ask(change), change).toMatchObject(SAFE_MODE);
  expect((await hdfs.ask(CHANGES[0] as string)).text).toContain('new disks');
  expect((await hdfs.ask('GET /d?op=GETFILESTATUS&user.name=o')).status).toBe(200);
  await master?.calls.call(operations.unfreeze, { user: 'o' }, options());
  expect((await hdfs.ask(CHANGES[0] as string)).json).toEqual({ boolean: true });
});

test('full: changes are refused as in safe mode, until there is room', async () => {
  const hdfs = await open();
  const { journal, masters } = hdfs.namespace.cluster;
  journal.intercept = ({ kind }) =>
    kind === 'write' ? Promise.reject(new UnderstudyError('unavailable', 'the journal is out of space')) : undefined;
  await waitUntil('the leader knows', async () => {
    await hdfs.ask(CHANGES[0] as string);
    return masters[0]?.leadership?.canWrite === false;
  });
  for (const change of CHANGES) expect(await hdfs.ask(change), change).toMatchObject(SAFE_MODE);
  expect((await hdfs.ask('GET /d?op=GETFILESTATUS&user.name=o')).status).toBe(200);
  journal.intercept = undefined;
  await waitUntil('there is room', async () => (await hdfs.ask(CHANGES[0] as string)).status === 200, 8_000);
});
