/** Mounted storage on S3, where S3 is peculiar: faults of the network, renames that break off, objects that one request cannot copy, odd keys. */
import http from 'node:http';
import type net from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import { S3ListingNames } from '../../src/underfs/s3-listing-names.js';
import { S3UnderStore } from '../../src/underfs/s3-under-store.js';
import type { UnderListOptions, UnderStore } from '../../src/underfs/under-store.js';
import { errorOf } from '../contract/journal-contract.js';
import { namesIn, readAll, text } from '../contract/under-store-contract.js';
import { CREDENTIALS, type S3Make, type S3Server, startS3 } from '../servers/s3.js';
import { type Fault, S3FaultProxy } from '../servers/s3-fault-proxy.js';

const SOME = { bucket: 'mounted', region: 'us-east-1', pathStyle: true, credentials: CREDENTIALS };
let prefixes = 0;

function open(endpoint: string, more: { prefix?: string; requestTimeoutMs?: number; copyBytesMax?: number } = {}): S3UnderStore {
  const settings = { ...SOME, endpoint, prefix: `${prefixes++}/`, requestTimeoutMs: 10_000, ...more };
  const store = new S3UnderStore(settings, { clock: systemClock, random: systemRandom });
  onTestFinished(() => store.close());
  return store;
}

for (const make of ['versitygw', 'minio'] as const satisfies S3Make[]) {
  describe(make, () => {
    let server: S3Server;
    beforeAll(async () => {
      server = await startS3({ make });
      await server.createBucket('mounted');
    }, 60_000);
    afterAll(() => server.close());

    test('rename: of an object that one request cannot copy, copies it in parts', async () => {
      const store = open(server.endpoint, { copyBytesMax: 5 << 20 });
      const bytes = Buffer.alloc((11 << 20) + 7, 'abcdefghijklmnopqrstuvwxyz');
      await store.create('d/big', bytes);
      await store.rename('d', 'e');
      expect(await namesIn(store, '', { recursive: true })).toEqual(['e/', 'e/big']);
      expect((await readAll(store, 'e/big')) === bytes.toString()).toBe(true);
    });

    test('rename: given up in the middle again and again, and by two at once, ends with everything at the target', async () => {
      const prefix = 'half/';
      const store = open(server.endpoint, { prefix });
      const names = Array.from({ length: 120 }, (_, at) => `f${String(at).padStart(3, '0')}`);
      await Promise.all(names.map((name) => store.create(`d/x/${name}`, text(name))));
      await store.makeDirectory('d/empty');
      let broken = 0;
      for (let limitMs = 5; limitMs < 40; limitMs += 5) {
        const early = AbortSignal.timeout(limitMs);
        broken += await store.rename('d', 'e', early).then(
          () => 0,
          () => 1,
        );
      }
      expect(broken).toBeGreaterThan(0);
      const twin = open(server.endpoint, { prefix });
      await Promise.allSettled([store.rename('d', 'e'), twin.rename('d', 'e')]);
      await store.rename('d', 'e');
      expect(await namesIn(store, 'e', { recursive: true })).toEqual(['empty/', 'x/', ...names.map((name) => `x/${name}`)]);
      expect(await store.stat('d')).toBe(undefined);
      expect(await readAll(store, 'e/x/f007')).toBe('f007');
    });

    test('write in parts: requests and answers that are lost or repeated, the object is whole', async () => {
      await using proxy = await S3FaultProxy.start(server.endpoint);
      const store = open(proxy.endpoint);
      const faults: Fault[] = [{ kind: 'lose answer' }, { kind: 'lose request' }, { kind: 'repeat' }, { kind: 'status', status: 503 }];
      const bytes = Buffer.alloc((17 << 20) + 3, 'abcdefghijklmnopqrstuvwxyz');
      const chunks = async function* () {
        yield bytes;
      };
      for (let first = 0; first < 2; first++) {
        let requests = 0;
        proxy.fault = () => (requests++ % 3 === first ? faults[((requests / 3) % faults.length) | 0] : undefined);
        await store.write(`d/${first}`, chunks(), { length: bytes.length });
        proxy.fault = () => undefined;
        expect((await readAll(store, `d/${first}`)) === bytes.toString(), `from request ${first}`).toBe(true);
      }
    });

    test('requests and answers that are lost, late or repeated: every change is there once it is told', async () => {
      await using proxy = await S3FaultProxy.start(server.endpoint);
      const store = open(proxy.endpoint);
      const model = new MemoryUnderFiles().open();
      const faults: Fault[] = [{ kind: 'lose request' }, { kind: 'lose answer' }, { kind: 'repeat' }, { kind: 'status', status: 503 }];
      let requests = 0;
      proxy.fault = () => (++requests % 3 === 0 ? faults[(requests / 3) % faults.length] : undefined);
      const changes: ((store: UnderStore) => Promise<unknown>)[] = [
        (each) => each.makeDirectory('a'),
        (each) => each.create('a/f', text('one')),
        (each) => each.create('b/g', text('two')),
        (each) => each.rename('a', 'b/c'),
        (each) => each.create('a/f', text('three')),
        (each) => each.rename('b/g', 'a/g'),
        (each) => each.delete('b', { recursive: true }),
        (each) => each.rename('a/f', 'a/g'),
      ];
      for (const change of changes) {
        await change(store);
        await change(model);
        const seen = await namesIn(store, '', { recursive: true });
        // A folder without a marker is gone with the last that was in it.
        expect(seen.filter((name) => !name.endsWith('/'))).toEqual(
          (await namesIn(model, '', { recursive: true })).filter((name) => !name.endsWith('/')),
        );
      }
      expect(await readAll(store, 'a/g')).toBe('three');
      expect(requests).toBeGreaterThan(30);
    });
  });
}

test('a server that stops in the middle of an object: is unavailable within the time-out', async () => {
  const server = http.createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-length': '100', 'last-modified': new Date(0).toUTCString() });
    if (request.method === 'HEAD') response.end();
    else response.write('some');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const store = open(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`, { requestTimeoutMs: 200 });
  expect(await errorOf(readAll(store, 'f'))).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('stopped in the middle'),
  });
});

test('keys that are no paths: are left out, and told; folders are said once, whatever keys imply them', () => {
  const skipped: string[] = [];
  const options: UnderListOptions = { onSkipped: (name, reason) => void skipped.push(`${name}: ${reason}`) };
  const names = new S3ListingNames('p/', options);
  const file = (key: string) => ({ key, length: 1, modifiedMs: 0, fingerprint: 'x' });
  const page = (...keys: string[]) =>
    names.entriesOf({ folders: [], files: keys.map(file) }).map(({ name, isDirectory }) => name + (isDirectory ? '/' : ''));
  expect(page('p/', 'p/../x', 'p//x', 'p/a', 'p/a/', 'p/a/b/c')).toEqual(['a', 'a/', 'a/b/', 'a/b/c']);
  expect(page('p/a/b/d', 'p/a/bc', 'p/a/e//f', 'p/ab/', 'p/ab/.')).toEqual(['a/b/d', 'a/bc', 'ab/']);
  expect(skipped).toEqual(['../x', '/x', 'a/e//f', 'ab/.'].map((name) => `${name}: a key that is no path`));
});
