/** The object store over S3's protocol, before a server that answers as no S3 server should, as proxies and failing servers do. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { S3ObjectStore } from '../../src/journal/s3-object-store.js';
import { errorOf } from '../contract/journal-contract.js';

let server: http.Server;
let store: S3ObjectStore;
let answer: (response: http.ServerResponse) => void;

beforeEach(async () => {
  server = http.createServer((request, response) => {
    request.resume().on('end', () => answer(response));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'the-access-key', secretAccessKey: 'the-secret' };
  const settings = { bucket: 'b', prefix: 'p/', endpoint, region: 'us-east-1', pathStyle: true, credentials, requestTimeoutMs: 300 };
  store = new S3ObjectStore(settings, { clock: systemClock });
});
afterEach(async () => {
  await store.close();
  server.closeAllConnections();
  server.close();
});

const page = (status: number) => (response: http.ServerResponse) => {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<html>please log in</html>');
};

test('a page of a proxy with status 200: a PUT may or may not have arrived, and a listing is none', async () => {
  answer = page(200);
  expect(await errorOf(store.create('log/1', Buffer.from('x')))).toMatchObject({ code: 'outcome_unknown' });
  expect(await errorOf(store.put('log/1', Buffer.from('x')))).toMatchObject({ code: 'outcome_unknown' });
  expect(await errorOf(store.list({ prefix: 'boundary/' }))).toMatchObject({ code: 'unavailable' });
});

test('a page of a proxy with status 404: says nothing of the object', async () => {
  answer = page(404);
  expect(await errorOf(store.get('log/1'))).toMatchObject({ code: 'failed_precondition' });
});

test('an answer that stops in the middle of an object, or is cut off: no object, within the time-out', async () => {
  answer = (response) => void response.writeHead(200, { 'content-length': '100' }).write('some');
  expect(await errorOf(store.get('log/1'))).toMatchObject({ code: 'unavailable', message: expect.stringContaining('in time') });
  answer = (response) => void response.writeHead(200).write('some', () => response.destroy());
  expect(await errorOf(store.get('log/1'))).toMatchObject({ code: 'unavailable' });
});

test('refusals: told with what was asked for, and with no key in them', async () => {
  answer = (response) => {
    response.writeHead(403, { 'content-type': 'application/xml' });
    response.end('<Error><Code>InvalidAccessKeyId</Code><Message>unknown</Message></Error>');
  };
  const error = await errorOf(store.create('log/1', Buffer.from('x')));
  expect(error).toMatchObject({ code: 'permission_denied', message: expect.stringContaining('s3://b/p/log/1') });
  expect(JSON.stringify([error.message, error.stack, String(error.cause), (error.cause as Error).stack])).not.toMatch(
    /the-secret|the-access-key/,
  );
});
