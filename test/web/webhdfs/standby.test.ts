/** What WebHDFS says where the namespace is not served: go to another master, or come again. */
import { expect, onTestFinished, test } from 'vitest';
import { deferred } from '../../../src/base/wait.js';
import { waitUntil } from '../../servers/wait-until.js';
import { ServedWebHdfs } from './served-web-hdfs.js';

const ASKED = [
  'GET /?op=LISTSTATUS',
  'PUT /d?op=MKDIRS&user.name=o',
  'GET /?op=GETHOMEDIRECTORY',
  'PUT /f?op=CREATE',
  'DELETE /d?op=DELETE',
];

/** The first master leads. */
async function open(names: readonly string[]): Promise<ServedWebHdfs> {
  const hdfs = await ServedWebHdfs.open(names);
  onTestFinished(() => hdfs[Symbol.asyncDispose]());
  return hdfs;
}

const refusal = (exception: string) => ({
  status: 403,
  json: { RemoteException: { exception, javaClassName: `org.apache.hadoop.ipc.${exception}`, message: expect.any(String) } },
});

test('standby: names the exception that sends clients on to the next address, and never a redirect', async () => {
  const hdfs = await open(['a', 'b']);
  await waitUntil(
    'the standby knows the leader',
    async () => (await hdfs.namespace.cluster.masters[1]?.leaderPlace.find()) !== null,
    10_000,
  );
  for (const asked of ASKED) expect(await hdfs.ask(asked, 1), asked).toMatchObject(refusal('StandbyException'));
  expect((await hdfs.ask('GET /?op=LISTSTATUS')).status).toBe(200);

  // Nobody gets so far as to lead.
  const held = deferred<undefined>();
  onTestFinished(() => held.resolve(undefined));
  hdfs.namespace.cluster.journal.intercept = ({ kind }) => (kind === 'take' ? held.promise : undefined);
  hdfs.namespace.cluster.kill('a');
  await waitUntil('nobody leads', async () => (await hdfs.ask('GET /?op=LISTSTATUS', 1)).exception === 'RetriableException', 10_000);
  for (const asked of ASKED) expect(await hdfs.ask(asked, 1), asked).toMatchObject(refusal('RetriableException'));
});

test('a program that is starting asks to come again, and a request that makes no sense is told so by anybody', async () => {
  const hdfs = await open(['a']);
  await hdfs.serve(null);
  expect(await hdfs.ask('GET /?op=LISTSTATUS', 1)).toMatchObject(refusal('RetriableException'));
  expect(await hdfs.ask('GET /?op=NOSUCH', 1)).toMatchObject({ status: 400, exception: 'IllegalArgumentException' });
});
