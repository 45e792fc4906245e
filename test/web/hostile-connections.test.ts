/** Who sends slowly, much, or nothing at all over thousands of connections keeps nobody else from being served, and costs a bounded amount of memory. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { WebLimits } from '../../src/web/web-port.js';
import { waitUntil } from '../servers/wait-until.js';
import { ask, type WebMaster, WebMasters } from './web-masters.js';
import { exchange, Wire } from './wire.js';

const soon = { timeout: 8_000, interval: 2 };
const HOST = 'Host: h\r\n';
const LIVE = `GET /health/live HTTP/1.1\r\n${HOST}\r\n`;
const MIB = 1024 * 1024;

async function leader(limits: Partial<WebLimits> = {}): Promise<WebMaster> {
  const one = await new WebMasters().start('a', {}, limits);
  await expect.poll(async () => (await ask(one.web, '/health/leader')).status, soon).toBe(200);
  return one;
}

const put = (web: WebMaster['web'], name: string) => ask(web, `/api/v1/files/${name}?user.name=o`, { method: 'PUT' });

/** Connects `count` times, and has each do what `each` does. */
async function crowd({ port }: WebMaster['web'], count: number, each: (socket: Socket) => void): Promise<Socket[]> {
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(400, count - sockets.length) }, () => connect(port, '127.0.0.1'));
    for (const socket of some) {
      socket.on('error', () => {});
      socket.on('data', () => {});
      each(socket);
    }
    sockets.push(...some);
    await Promise.all(some.map((socket) => once(socket, 'connect')));
  }
  return sockets;
}

/** Writes until the other side closes, or `bytesMax` were taken. @returns bytes that were given to the system. */
async function pour(wire: Wire, chunk: Buffer, bytesMax: number): Promise<number> {
  const { socket } = wire;
  for (let given = 0; given < bytesMax; given += chunk.length) {
    if (wire.hasEnded || socket.destroyed) return given;
    if (socket.write(chunk)) await setImmediate();
    else await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {});
  }
  return bytesMax;
}

test('2,500 idle connections: requests of others go on', async () => {
  const { web } = await leader();
  const before = process.memoryUsage().rss;
  const idle = await crowd(web, 2_500, (socket) => socket.write(LIVE));
  await waitUntil('each was answered', () => idle.every(({ bytesRead }) => bytesRead > 0), 20_000);
  const startedMs = performance.now();
  for (let count = 0; count < 20; count++) expect((await put(web, `f${count}`)).status).toBe(201);
  const webMs = performance.now() - startedMs;
  expect(idle.filter(({ closed }) => closed).length).toBe(0);
  const grownMib = (process.memoryUsage().rss - before) / MIB;
  console.log(`2,500 idle connections: 20 changes on new ones in ${webMs.toFixed(0)} ms, both sides ${grownMib.toFixed(0)} MiB`);
  expect(grownMib).toBeLessThan(500);
}, 60_000);

test('connections at their limit: idle ones give way to new ones', async () => {
  const { web } = await leader({ connectionsMax: 80 });
  const idle = await crowd(web, 60, (socket) => socket.write(LIVE));
  await waitUntil('each was answered', () => idle.every(({ bytesRead }) => bytesRead > 0), 8_000);
  await crowd(web, 60, (socket) => socket.write(LIVE));
  await waitUntil('idle ones were closed', () => idle.every(({ closed }) => closed), 8_000);
  expect((await put(web, 'f')).status).toBe(201);
});

test('connections beyond their limit: each is told so, nothing is done for it, and more than a margin are not accepted', async () => {
  const { web } = await leader({ connectionsMax: 80 });
  const slow = await crowd(web, 80, (socket) => socket.write('GET /health/live HTTP/1.1\r\n'));
  const change = `PUT /api/v1/files/f?user.name=o HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`;
  const { status, headers, body } = await exchange(web, change);
  expect([status, headers.get('retry-after'), headers.get('connection')]).toEqual([503, '1', 'close']);
  expect(JSON.parse(body).error.message).toContain('too many connections');
  const hdfs = await exchange(web, `PUT /webhdfs/v1/f?op=MKDIRS&user.name=o HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`);
  expect(hdfs.body).toContain('"RetriableException"');
  const more = await crowd(web, 40, () => {});
  await waitUntil('some are not accepted', () => more.some(({ closed }) => closed), 8_000);
  expect(slow.some(({ closed }) => closed)).toBe(false);
  for (const socket of [...slow, ...more]) socket.destroy();
  await waitUntil('there is room again', async () => (await ask(web, '/api/v1/files/f').catch(() => null))?.status === 404, 8_000);
});

test('headers and bodies that do not come to their end: 408 in time, one by one, and others are served', async () => {
  const { web } = await leader({ headersMaxMs: 400, requestMaxMs: 600 });
  const beginnings = [
    '',
    'G',
    `GET /health/live HTTP/1.1\r\n${HOST}`,
    `POST /api/v1/files/x HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
    `POST /api/v1/files/x HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
    `${LIVE}GET /health/live HTTP/1.1\r\nX:`,
  ];
  const slow = await Promise.all(beginnings.map(async (text) => (await Wire.open(web)).send(text)));
  const trickling = setInterval(() => slow[2]?.socket.write('X: y\r\n'), 20);
  onTestFinished(() => clearInterval(trickling));
  expect((await put(web, 'f')).status).toBe(201);
  for (const [at, wire] of slow.entries()) {
    const rest = await wire.end(8_000);
    expect(rest, beginnings[at]).toContain('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n');
  }
});

test('a body larger than allowed, said or not: 413, and no more of it is read', async () => {
  const { web } = await leader({ requestMaxMs: 3_000 });
  const chunk = Buffer.alloc(MIB, '1');
  const head = `POST /api/v1/files/x HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`;
  const before = process.memoryUsage().rss;
  for (const [headers, of] of [
    [`Content-Length: ${1024 * MIB}\r\n`, chunk],
    ['Transfer-Encoding: chunked\r\n', Buffer.concat([Buffer.from('100000\r\n'), chunk, Buffer.from('\r\n')])],
  ] as const) {
    const wire = (await Wire.open(web)).send(`${head}${headers}\r\n`);
    const poured = await pour(wire, of, 1024 * MIB);
    const { status } = await wire.answer().catch(() => ({ status: 'reset' }));
    expect([413, 'reset']).toContain(status);
    expect(poured / MIB).toBeLessThan(200);
  }
  for (const headers of [`Content-Length: ${2 * MIB}\r\n`]) {
    const wire = (await Wire.open(web)).send(`${head}${headers}\r\n`);
    expect(await wire.answer()).toMatchObject({ status: 413 });
    await wire.end();
  }
  expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(300);
});

test('a thousand requests at once on one connection: so many are answered, then it is told and closed', async () => {
  const { web } = await leader();
  const rest = await (await Wire.open(web)).send(LIVE.repeat(1_000)).end();
  const codes = [...rest.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, code]) => code);
  expect(codes.slice(0, 128).every((code) => code === '200')).toBe(true);
  expect(codes.slice(128)).toEqual(['503']);
  expect(rest).toContain('too many requests of one connection');
});

test('a client that asks and asks and takes no answer: it is not listened to any further, and dropped', async () => {
  const { web } = await leader({ stalledMaxMs: 700 });
  const wire = await Wire.open(web);
  wire.socket.pause();
  const before = process.memoryUsage().rss;
  const asked = Buffer.from(LIVE.repeat(100));
  const poured = await pour(wire, asked, 512 * MIB);
  console.log(`asked without taking answers: ${(poured / MIB).toFixed(1)} MiB taken`);
  expect(poured / MIB).toBeLessThan(64);
  expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(300);
  expect((await put(web, 'f')).status).toBe(201);
});
