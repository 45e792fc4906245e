/** Requests of every kind through all that a master goes through: each is answered, with a status that is right there, and none is met with a defect. */
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { operations } from '../../src/metadata/operations.js';
import type { WebServer } from '../../src/web/web-server.js';
import { waitUntil } from '../servers/wait-until.js';
import { type Answered, ask, openWeb, WebMasters } from './web-masters.js';

const soon = { timeout: 10_000, interval: 2 };
/** Between two requests of an asker: the masters live in the same process. */
const PAUSE_MS = 50;
/** More, and a request hangs: masters wait for nothing longer than some seconds here. */
const ANSWER_MAX_MS = 20_000;

interface Kind {
  readonly target: (unique: number) => string;
  readonly method?: string;
  /** Of this master alone: answered in every role. */
  readonly isOwn?: true;
  /** All that may come: statuses, and the exceptions of a 403. 504: it may have been done. */
  readonly answers: readonly (number | string)[];
}

const HDFS = [200, 'StandbyException', 'RetriableException', 'IOException'];
const KINDS: readonly Kind[] = [
  ...['/api/atlas/admin/status', '/api/v1/master/status', '/health/live', '/metrics', '/api/v1/log/level'].map(
    (address): Kind => ({ target: () => address, isOwn: true, answers: [200] }),
  ),
  ...['/health/leader', '/health/ready'].map((address): Kind => ({ target: () => address, isOwn: true, answers: [200, 503] })),
  { target: () => '/no/such', isOwn: true, answers: [404] },
  { target: () => '/monitor/replication', answers: [200, 503] },
  { target: () => '/api/v1/files/?user.name=o', answers: [200, 302, 503] },
  { target: () => '/api/v1/files/?user.name=o&stale=true', answers: [200, 302, 503] },
  { target: (unique) => `/api/v1/files/f${unique}?user.name=o`, method: 'PUT', answers: [201, 307, 503, 504] },
  { target: () => '/webhdfs/v1/?op=LISTSTATUS&user.name=o', answers: HDFS },
  { target: (unique) => `/webhdfs/v1/d${unique}?op=MKDIRS&user.name=o`, method: 'PUT', answers: HDFS },
];

/** Asks one master for one kind of thing, again and again. */
class Asker {
  readonly kind: Kind;
  readonly wrong: string[] = [];
  answered = 0;
  slowestMs = 0;
  /** Once its web port is being closed, connections may be cut. */
  mayBeCut = false;
  #isStopping = false;
  readonly #done: Promise<void>;

  constructor(web: WebServer, kind: Kind, seed: number) {
    this.kind = kind;
    this.#done = this.#ask({ port: web.port }, seed);
  }

  async #ask(web: { port: number }, seed: number): Promise<void> {
    const { target, method = 'GET', answers, isOwn } = this.kind;
    for (let unique = seed; !this.#isStopping; unique += 1_000) {
      const askedMs = performance.now();
      const answer = await ask(web, target(unique), { method }).catch(() => null);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - askedMs);
      this.answered += 1;
      if (answer === null && this.mayBeCut) return;
      const told = answer === null ? 'cut' : tellingOf(answer);
      const isPutOff = told === 503 && !isOwn && !this.mayBeCut;
      if (isPutOff && answer?.headers['retry-after'] === undefined) this.wrong.push(`${target(unique)}: no retry-after`);
      if (!answers.includes(told) && !(this.mayBeCut && told === 503)) {
        this.wrong.push(`${method} ${target(unique)}: ${told} ${answer?.body.slice(0, 200) ?? ''}`);
        return;
      }
      await setTimeout(PAUSE_MS);
    }
  }

  stop(): Promise<void> {
    this.#isStopping = true;
    return this.#done;
  }
}

function tellingOf({ status, body }: Answered): number | string {
  return status === 403 ? (/"exception":"(\w+)"/.exec(body)?.[1] ?? status) : status;
}

test('start, claim, lead, hand-over, superseded, stepping down, closed: each request has its answer, and none waits for good', async () => {
  const masters = new WebMasters();
  const claim = masters.hold(({ kind }) => kind === 'take');
  const askers: Asker[] = [];
  onTestFinished(async () => void (await Promise.all(askers.map((asker) => asker.stop()))));
  /** Waits until each asker has begun and ended a request since now. */
  const round = async (some: readonly Asker[] = askers) => {
    const wanted = new Map(some.map((asker) => [asker, asker.answered + 2]));
    await waitUntil(
      'each has an answer',
      () => some.every((asker) => asker.wrong.length > 0 || asker.answered >= (wanted.get(asker) ?? 0)),
      ANSWER_MAX_MS,
    ).catch((error: unknown) => {
      const late = some.filter((asker) => asker.answered < (wanted.get(asker) ?? 0));
      throw new Error(`no answer: ${late.map(({ kind, answered }) => `${kind.target(0)} after ${answered}`).join(', ')}`, { cause: error });
    });
    expect(askers.flatMap(({ wrong }) => wrong)).toEqual([]);
  };
  const open = async () => {
    const web = await openWeb();
    askers.push(...KINDS.map((kind) => new Asker(web, kind, askers.length + KINDS.indexOf(kind))));
    return web;
  };
  const start = async (name: string, web: WebServer) => {
    const { master } = await masters.cluster.start(name, undefined, { webAddress: `127.0.0.1:${web.port}` });
    web.attach(master);
    return master;
  };
  const state = async (web: WebServer) => JSON.parse((await ask(web, '/api/atlas/admin/status')).body).Status;
  const leads = (...some: readonly WebServer[]) =>
    waitUntil('one leads', async () => (await Promise.all(some.map(state))).includes('ACTIVE'), soon.timeout);

  const webA = await open();
  await round();
  const a = await start('a', webA);
  await expect.poll(() => state(webA), soon).toBe('BECOMING_ACTIVE');
  await round();
  claim.release();
  await leads(webA);
  await round();
  const webB = await open();
  await round();
  const b = await start('b', webB);
  await expect.poll(() => b.leaderPlace.fedFrom, soon).not.toBe(null);
  await round();

  await a.calls.call(operations.transferLeader, { user: 'o' }, { peer: 'operator:1', signal: AbortSignal.timeout(15_000) });
  await leads(webB);
  await round();
  await masters.supersede();
  await round();
  await leads(webA, webB);
  await round();

  const [leader, web, other] = (await state(webA)) === 'ACTIVE' ? [a, webA, webB] : [b, webB, webA];
  const write = masters.hold(({ kind }) => kind === 'write');
  void leader.leadership?.append((now) => ({ registerClient: { clientId: now.nextIds().clientId } })).catch(() => {});
  const closed = leader.close();
  await expect.poll(() => state(web), soon).toBe('BECOMING_PASSIVE');
  await round(askers.filter(({ kind }) => kind.isOwn));
  write.release();
  await closed;
  await leads(other);
  await round();
  for (const asker of askers) asker.mayBeCut = true;
  await Promise.all([webA.close(), webB.close()]);
  await Promise.all(askers.map((asker) => asker.stop()));
  expect(askers.flatMap(({ wrong }) => wrong)).toEqual([]);
  const slowestMs = Math.max(...askers.map((asker) => asker.slowestMs));
  console.log(
    `${askers.reduce((sum, { answered }) => sum + answered, 0)} requests through all roles, the slowest ${slowestMs.toFixed(0)} ms`,
  );
  expect(slowestMs).toBeLessThan(ANSWER_MAX_MS);
}, 90_000);
