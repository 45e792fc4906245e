/** The object store over S3's protocol, before a server that answers as no S3 server should, as proxies and failing servers do. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import type net from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { S3ObjectStore } from '../../src/journal/s3-object-store.js';
import { errorOf } from '../contract/journal-contract.js';

const settings = {
  bucket: 'b',
  prefix: 'p/',
  region: 'us-east-1',
  pathStyle: true,
  credentials: { accessKeyId: 'the-access-key', secretAccessKey: 'the-secret' },
  requestTimeoutMs: 300,
};
let server: http.Server;
let store: S3ObjectStore;
let answer: (response: http.ServerResponse) => void;

beforeEach(async () => {
  server = http.createServer((request, response) => {
    request.resume().on('end', () => answer(response));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const endpoint = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  store = new S3ObjectStore({ ...settings, endpoint }, { clock: systemClock });
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

test('a host that goes out of reach once a PUT was sent, as TCP tells in the end: it may have happened', async () => {
  const sockets: net.Socket[] = [];
  const gather = (message: unknown) => void sockets.push((message as { socket: net.Socket }).socket);
  subscribe('net.client.socket', gather);
  try {
    answer = () => {
      const unreachable = Object.assign(new Error('read EHOSTUNREACH'), { code: 'EHOSTUNREACH', syscall: 'read' });
      for (const socket of sockets) socket.destroy(unreachable);
    };
    expect(await errorOf(store.create('log/1', Buffer.from('x')))).toMatchObject({
      code: 'outcome_unknown',
      message: expect.stringContaining('EHOSTUNREACH'),
    });
  } finally {
    unsubscribe('net.client.socket', gather);
  }
});

test('a server that is not there: nothing was sent', async () => {
  server.close();
  server.closeAllConnections();
  for (const name of ['127.0.0.1', 'localhost', 'no-such-host.invalid']) {
    const endpoint = `http://${name}:9`;
    await using absent = new S3ObjectStore({ ...settings, endpoint }, { clock: systemClock });
    expect(await errorOf(absent.create('log/1', Buffer.from('x')))).toMatchObject({ code: 'unavailable' });
  }
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
