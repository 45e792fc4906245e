/** Bytes over WebHDFS: a master sends its client to a worker, which writes and reads them; by plain HTTP, and by Hadoop's own client. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { hadoopChecksum } from '../../src/client/data/hadoop-checksum.js';
import { closedWithTest } from '../servers/closed-with-test.js';
import { startHadoopClient } from '../servers/hadoop-client.js';
import { testWithHadoop } from '../servers/tests-with-clients.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import { WorkerProcess } from './worker-process.js';

const MIB = 1 << 20;

async function started() {
  const cluster = await Cluster.start({ masters: 1 });
  const worker = await WorkerProcess.start(cluster);
  const fs = await cluster.client();
  const { user } = fs.client.settings;
  const web = `http://127.0.0.1:${cluster.master(0).place.webPort}/webhdfs/v1`;
  const at = (target: string) => `${web}${target}${target.includes('?') ? '&' : '?'}user.name=${user}`;
  return { cluster, worker, fs, at, web };
}

test('plain HTTP: written, read, appended to and told the checksum of, where the master says', async () => {
  const { worker, fs, at } = await started();
  const bytes = randomBytes(3 * MIB + 5);
  const name = '/d/a name+é%25';
  const escaped = '/d/a%20name+%C3%A9%2525';

  const place = await fetch(at(`${escaped}?op=CREATE&blocksize=1048576&permission=600`), { method: 'PUT', redirect: 'manual' });
  expect(place.status).toBe(307);
  const location = place.headers.get('location') ?? '';
  expect(location).toBe(
    at(`${escaped}?op=CREATE&blocksize=1048576&permission=600`).replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${worker.webPort}`),
  );
  const made = await fetch(location, { method: 'PUT', body: bytes });
  expect({ status: made.status, location: made.headers.get('location') }).toEqual({
    status: 201,
    location: `webhdfs://127.0.0.1:${worker.webPort}${encodeURI(name)}`,
  });
  expect(await fs.getStatus(name)).toMatchObject({ length: bytes.length, mode: 0o600, blockBytes: MIB, complete: true });
  const again = await fetch(location, { method: 'PUT', body: 'x' });
  expect([again.status, await again.json()]).toMatchObject([403, { RemoteException: { exception: 'FileAlreadyExistsException' } }]);

  const read = async (range: string) => Buffer.from(await (await fetch(at(`${escaped}?op=OPEN${range}`))).arrayBuffer());
  expect((await read('')).equals(bytes)).toBe(true);
  expect((await read('&offset=1048570&length=20')).equals(bytes.subarray(MIB - 6, MIB + 14))).toBe(true);
  expect(await read(`&offset=${bytes.length}`)).toHaveLength(0);
  expect((await fetch(at(`${escaped}?op=OPEN&offset=${bytes.length + 1}`))).status).toBe(403);
  expect((await fetch(at('/none?op=OPEN'))).status).toBe(404);
  const told = await (await fetch(at(`${escaped}?op=OPEN&noredirect=true`))).json();
  expect(told).toMatchObject({ Location: expect.stringContaining(`:${worker.webPort}/webhdfs/v1/d/`) });

  const end = await fetch(at(`${escaped}?op=APPEND`), { method: 'POST', redirect: 'manual' });
  expect((await fetch(end.headers.get('location') ?? '', { method: 'POST', body: 'and more' })).status).toBe(200);
  const whole = Buffer.concat([bytes, Buffer.from('and more')]);
  expect((await fs.readFile(name)).equals(whole)).toBe(true);
  const summed: unknown = await (await fetch(at(`${escaped}?op=GETFILECHECKSUM`))).json();
  const runs = (async function* () {
    yield whole;
  })();
  expect(summed).toEqual({ FileChecksum: await hadoopChecksum(runs, MIB) });
}, 60_000);

test('a body that breaks off: no file, and no block', async () => {
  const { worker, fs, at } = await started();
  const place = await fetch(at('/broken?op=CREATE'), { method: 'PUT', redirect: 'manual' });
  const giveUp = new AbortController();
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(randomBytes(3 * MIB)),
    pull: () => new Promise(() => {}),
  });
  const sending = fetch(place.headers.get('location') ?? '', { method: 'PUT', body, duplex: 'half', signal: giveUp.signal } as RequestInit);
  sending.catch(() => {});
  await waitUntil('it is there, and open', () => fs.exists('/broken'));
  giveUp.abort();
  await waitUntil('it is gone', async () => !(await fs.exists('/broken')));
  await waitUntil('no block is left', async () => (await worker.status()).blocks === 0);
}, 60_000);

testWithHadoop(
  'hadoop fs: puts, prints, appends, gets and sums',
  async () => {
    const { cluster, fs, web } = await started();
    const { user } = fs.client.settings;
    const defaultFs = web.replace(/^http(.*)\/webhdfs\/v1$/, 'webhdfs$1');
    const client = closedWithTest(await startHadoopClient({ 'fs.defaultFS': defaultFs }, user));
    const bytes = randomBytes(5 * MIB + 3);
    const local = (name: string) => path.join(cluster.folder, name);
    writeFileSync(local('put'), bytes);
    writeFileSync(local('small'), 'a few words\n');
    const good = async (...words: string[]) => {
      const { code, out, err } = await client.shell(...words);
      expect({ words, code, err }).toEqual({ words, code: 0, err: '' });
      return out;
    };
    await good('-mkdir', '-p', '/h');
    await good('-put', local('put'), '/h/f');
    expect((await fs.readFile('/h/f')).equals(bytes)).toBe(true);
    await good('-get', '/h/f', local('got'));
    expect(readFileSync(local('got')).equals(bytes)).toBe(true);
    await good('-put', local('small'), '/h/s');
    expect(await good('-cat', '/h/s')).toBe('a few words\n');
    await good('-appendToFile', local('small'), '/h/s');
    expect(await good('-cat', '/h/s')).toBe('a few words\na few words\n');
    await good('-touchz', '/h/empty');
    expect(await fs.getStatus('/h/empty')).toMatchObject({ length: 0, complete: true });
    expect(await good('-checksum', '/h/f')).toMatch(/^\/h\/f\tMD5-of-0MD5-of-512CRC32\t0000020000000000000000[0-9a-f]{34}\n$/);
    expect((await client.shell('-put', local('small'), '/h/s')).err).toMatch(/File exists/);
  },
  120_000,
);
