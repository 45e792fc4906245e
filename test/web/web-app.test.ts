/** How long a request waits for its answer: as long as its connection lasts, whatever became of its body. */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { type Deferred, deferred } from '../../src/base/wait.js';
import { callOptions } from '../../src/web/web-app.js';
import { ask } from './web-masters.js';

interface Asked {
  readonly signal: AbortSignal;
  readonly peer: string;
  readonly answer: Deferred<string>;
}

/** A server that tells what it was asked, and answers when it is told to. */
async function slowServer(): Promise<{ port: number; asked: Promise<Asked> }> {
  const asked = deferred<Asked>();
  const app = fastify({ forceCloseConnections: true });
  app.all('/', async (_request, reply) => {
    const { signal, peer } = callOptions(reply);
    const answer = deferred<string>();
    asked.resolve({ signal, peer, answer });
    return await answer.promise;
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => app.close());
  return { port: (app.server.address() as AddressInfo).port, asked: asked.promise };
}

test.each([undefined, '{"to":"/b"}'])('a request with the body %s: waited for until it is answered', async (body) => {
  const server = await slowServer();
  const answered = ask(server, '/', body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { signal, peer, answer } = await server.asked;
  // By now a body that was read has been let go of.
  await ask(server, '/nothing');
  expect(signal.aborted).toBe(false);
  expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
  answer.resolve('done');
  expect((await answered).body).toBe('done');
});

test('a request whose connection is lost: nobody waits for it', async () => {
  const server = await slowServer();
  const leaving = request({ port: server.port, host: '127.0.0.1', method: 'POST', headers: { 'content-type': 'application/json' } });
  leaving.on('error', () => {});
  leaving.end('{}');
  const { signal, answer } = await server.asked;
  onTestFinished(() => answer.resolve(''));
  expect(signal.aborted).toBe(false);
  leaving.destroy();
  await expect.poll(() => signal.aborted, { interval: 2 }).toBe(true);
});
