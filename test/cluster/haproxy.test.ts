/**
 * The real HAProxy in front of masters, as conf/haproxy.cfg has it, by status code, and with the classic check for a word: writes go on while leaders are
 * killed, and what the word costs.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ROOT } from '../servers/built.js';
import { closedWithTest } from '../servers/closed-with-test.js';
import { type Haproxy, startHaproxy } from '../servers/haproxy.js';
import { freePorts } from '../servers/ports.js';
import { waitUntil } from '../servers/wait-until.js';
import { ask, WebMasters } from '../web/web-masters.js';
import { exchange } from '../web/wire.js';
import { Cluster } from './cluster.js';

const KILLS = 3;
const WRITERS = 2;
/** A client that is refused comes again after this. */
const AGAIN_MS = 20;
/** What a killed leader may cost a client that writes. */
const GAP_MAX_MS = 2_000;

interface Front {
  readonly haproxy: Haproxy;
  /** Ports: by conf/haproxy.cfg, and as many an Atlas has it. */
  readonly byStatus: number;
  readonly byWord: number;
}

/** Both configurations in one process: the shipped file, with these masters for those that it names. */
async function startFront(webPorts: readonly number[]): Promise<Front> {
  const [byStatus = 0, byWord = 0] = await freePorts(2);
  const servers = webPorts.map((port, at) => `  server m${at + 1} 127.0.0.1:${port}\n`).join('');
  const shipped = readFileSync(path.join(ROOT, 'conf', 'haproxy.cfg'), 'utf8')
    .replace('bind :20000', `bind 127.0.0.1:${byStatus}`)
    .replace(/ {2}server m1 .*\n {2}server m2 .*\n/, servers);
  expect(shipped).toContain(servers);
  const classic = `
listen atlas
  bind 127.0.0.1:${byWord}
  option httpchk GET /api/atlas/admin/status
  http-check expect string ACTIVE
  balance roundrobin
  timeout check 1s
  default-server check inter 200ms fall 1 rise 1
${servers}`;
  return { haproxy: closedWithTest(await startHaproxy(shipped + classic)), byStatus, byWord };
}

/** One file after the other, each until it is acknowledged; a connection for each request, as scripts have it. */
class Writer {
  readonly acknowledged: string[] = [];
  readonly #times: number[] = [];
  readonly #put: (name: string) => Promise<number>;
  readonly #name: string;
  /** How often each answer came. */
  readonly answers = new Map<number, number>();
  #stopping = false;
  readonly #done: Promise<void>;

  constructor(port: number, name: string) {
    this.#put = async (file) => (await ask({ port }, `/api/v1/files/${file}?recursive=true&user.name=tester`, { method: 'PUT' })).status;
    this.#name = name;
    this.#done = this.#write();
  }

  async #write(): Promise<void> {
    for (let count = 0; !this.#stopping; ) {
      const file = `${this.#name}-${count}`;
      const status = await this.#put(file).catch(() => 0);
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
      // A change that was sent again finds itself.
      if (status !== 201 && status !== 409) {
        await sleep(AGAIN_MS);
        continue;
      }
      this.acknowledged.push(file);
      this.#times.push(performance.now());
      count += 1;
    }
  }

  /** Milliseconds of the longest while without an acknowledgement since `fromMs`. */
  longestGapMs(fromMs: number): number {
    const times = [fromMs, ...this.#times.filter((time) => time >= fromMs)];
    return Math.round(Math.max(...times.slice(1).map((time, at) => time - (times[at] ?? time))));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }
}

const told = (answers: ReadonlyMap<number, number>) => [...answers].map(([status, count]) => `${status || 'lost'}: ${count}`).join(', ');

test('HAProxy: leaders are killed under clients that write, and each is done without within two seconds', async () => {
  const cluster = await Cluster.start({ masters: 3, settings: { 'master.standby.stream.heartbeat.interval': '100ms' } });
  const front = await startFront(cluster.masters.map(({ place }) => place.webPort));
  await front.haproxy.waitUntilUp('leader', [`m${cluster.masters.indexOf(await cluster.leader()) + 1}`]);
  expect((await cluster.run('understudy', 'admin', 'status', '--all')).split('\n').sort().join()).toMatch(
    /^(,127\S+ (ACTIVE|PASSIVE)){3}$/,
  );
  const webPort = (await cluster.leader()).place.webPort;
  expect(await cluster.run('understudy', 'admin', 'status', `-Dunderstudy.master.web.port=${webPort}`)).toBe('ACTIVE\n');

  const byStatus = Array.from({ length: WRITERS }, (_, at) => new Writer(front.byStatus, `s/${at}`));
  const byWord = Array.from({ length: WRITERS }, (_, at) => new Writer(front.byWord, `w/${at}`));
  const writers = [...byStatus, ...byWord];
  const progress = async (count: number) => {
    const wanted = new Map(writers.map((writer) => [writer, writer.acknowledged.length + count]));
    await waitUntil(
      'every writer goes on',
      () => writers.every((writer) => writer.acknowledged.length >= (wanted.get(writer) ?? 0)),
      30_000,
    );
  };
  const gaps: { byStatus: number; byWord: number; leads: number }[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    await progress(20);
    const leader = await cluster.leader();
    const killedMs = performance.now();
    await leader.end('SIGKILL');
    const others = cluster.masters.filter((master) => master !== leader).map(({ place }) => ({ port: place.webPort }));
    const isHealthy = async (master: { port: number }) => (await ask(master, '/health/leader').catch(() => null))?.status === 200;
    await waitUntil('another leads', async () => (await Promise.all(others.map(isHealthy))).includes(true), 30_000);
    const leads = Math.round(performance.now() - killedMs);
    await progress(20);
    const longest = (some: readonly Writer[]) => Math.max(...some.map((writer) => writer.longestGapMs(killedMs)));
    gaps.push({ byStatus: longest(byStatus), byWord: longest(byWord), leads });
    await leader.start();
  }
  await Promise.all(writers.map((writer) => writer.stop()));
  const answersOf = (some: readonly Writer[]) => {
    const sums = new Map<number, number>();
    for (const { answers } of some) for (const [status, count] of answers) sums.set(status, (sums.get(status) ?? 0) + count);
    return told(sums);
  };
  console.log(`through HAProxy, inter 200ms, SIGKILL to the next write: by status ${gaps.map((gap) => gap.byStatus).join(', ')} ms,`);
  console.log(`  of which until another master leads ${gaps.map((gap) => gap.leads).join(', ')} ms;`);
  console.log(
    `  by the word ${gaps.map((gap) => gap.byWord).join(', ')} ms; answers by status ${answersOf(byStatus)}; by the word ${answersOf(byWord)}`,
  );

  const fs = await cluster.client();
  for (const folder of ['/s', '/w']) {
    const there = new Set<string>();
    for await (const { path: file } of fs.list(folder)) there.add(file.slice(1));
    for (const { acknowledged } of writers)
      for (const file of acknowledged) if (`/${file}`.startsWith(folder)) expect(there).toContain(file);
  }
  expect(new Set(await cluster.digests()).size).toBe(1);
  expect(Math.max(...gaps.map((gap) => gap.byStatus))).toBeLessThan(GAP_MAX_MS);
}, 180_000);

test('HAProxy: a master that is about to lead gets no request by its status code, and its share of them by the word', async () => {
  const masters = new WebMasters();
  const leader = await masters.start('a');
  await expect.poll(async () => (await ask(leader.web, '/health/leader')).status, { timeout: 8_000 }).toBe(200);
  const standby = await masters.start('b');
  await expect.poll(() => standby.master.leaderPlace.fedFrom, { timeout: 8_000 }).not.toBe(null);
  const front = await startFront([leader.web.port, standby.web.port]);
  /** How many of 20 writes a master answers that does not lead: it sends them on, or puts them off; what HAProxy itself says is no JSON. */
  const burst = async (port: number, prefix: string) => {
    let misled = 0;
    for (let count = 0; count < 20; count++) {
      const { status, body } = await ask({ port }, `/api/v1/files/${prefix}-${count}?user.name=o`, { method: 'PUT' });
      if (status !== 201 && body.startsWith('{')) misled += 1;
    }
    return misled;
  };
  await front.haproxy.waitUntilUp('leader', ['m1']);
  await front.haproxy.waitUntilUp('atlas', ['m1']);
  expect([await burst(front.byStatus, 's'), await burst(front.byWord, 'w')]).toEqual([0, 0]);

  masters.hold(({ kind, journal }) => kind === 'take' && journal === 'b');
  standby.master.input({ type: 'told to lead' });
  await front.haproxy.waitUntilUp('atlas', ['m1', 'm2']);
  await front.haproxy.waitUntilUp('leader', ['m1']);
  expect((await ask(standby.web, '/api/atlas/admin/status')).body).toBe('{"Status":"BECOMING_ACTIVE"}');
  const [byStatus, byWord] = [await burst(front.byStatus, 'S'), await burst(front.byWord, 'W')];
  console.log(`of 20 writes while another master is BECOMING_ACTIVE: sent to it by status ${byStatus}, by the word ${byWord}`);
  expect(byStatus).toBe(0);
  expect(byWord).toBeGreaterThan(5);
}, 60_000);

test('HAProxy: names of every kind pass, escaped and in bytes as Hadoop sends them', async () => {
  const masters = new WebMasters();
  const { web } = await masters.start('a');
  await expect.poll(async () => (await ask(web, '/health/leader')).status, { timeout: 8_000 }).toBe(200);
  const front = await startFront([web.port]);
  await front.haproxy.waitUntilUp('leader', ['m1']);
  const send = async (line: string) =>
    (await exchange({ port: front.byStatus }, `${line} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n`)).status;
  const bytes = (text: string) => Buffer.from(text).toString('latin1');
  const ascii = String.fromCharCode(...Array.from({ length: 127 }, (_, at) => at + 1)).replace('/', '');
  const escaped = [ascii, '%41', '%2F', ' ', '...', 'grüße', '日本語', '😀', 'e\u0301', '\ufeff', '\u202e', '\u{10ffff}', 'a\r\nX: y'];
  const raw = ['grüße', '日本語', '😀', 'e\u0301', '\u{10ffff}', '!$&\'()*+,-.:;<=>@[\\]^_`{|}~"'];
  for (const name of escaped) {
    expect(await send(`PUT /webhdfs/v1/e/${encodeURIComponent(name)}?op=MKDIRS&user.name=o`), name).toBe(200);
    expect(await send(`GET /api/v1/files/e/${encodeURIComponent(name)}?user.name=o`), name).toBe(200);
  }
  for (const name of raw) {
    expect(await send(`PUT /webhdfs/v1/r/${bytes(name)}?op=MKDIRS&user.name=o`), name).toBe(200);
    expect(await send(`GET /api/v1/files/r/${encodeURIComponent(name)}?user.name=o`), name).toBe(200);
  }
  expect(JSON.parse((await ask(web, '/api/v1/files/r?list=true&user.name=o')).body).entries).toHaveLength(raw.length);
}, 60_000);
