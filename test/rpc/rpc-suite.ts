/** What holds for calls over every network. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isError, UnderstudyError } from '../../src/base/errors.js';
import type { ServerCall } from '../../src/rpc/rpc.js';
import type { World } from './worlds.js';

const text = (value: string): Uint8Array => Buffer.from(value);
const string = (body: Uint8Array): string => Buffer.from(body).toString();
const SOON = { timeoutMs: 5_000 };

async function failure(promise: Promise<unknown>): Promise<UnderstudyError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isError(error)) throw new Error(`no operating error: ${String(error)}`);
  return error;
}

async function all(items: AsyncIterable<Uint8Array>): Promise<string[]> {
  const seen: string[] = [];
  for await (const item of items) seen.push(string(item));
  return seen;
}

export function rpcSuite(name: string, open: () => World): void {
  describe(`calls over ${name}`, () => {
    let world: World;
    beforeEach(() => {
      world = open();
    });
    afterEach(() => world.close());

    test('echo: thousands overlapping, each gets its own answer', async () => {
      const held: ServerCall[] = [];
      const server = await world.serve((call) => {
        if (call.method === 9) held.push(call);
        else call.reply(call.body);
      });
      const connection = await world.connect(server.address);
      const late = connection.call(9, text('late'), SOON);
      const bodies = Array.from({ length: 5000 }, (_, index) => `call ${index}`);
      const answers = await world.settle(Promise.all(bodies.map((body) => connection.call(1, text(body), SOON))));
      expect(answers.map(string)).toEqual(bodies);
      held[0]?.reply(text('at last'));
      expect(string(await world.settle(late))).toBe('at last');
    });

    test('bodies: empty, around the sizes where writing changes, and large, come through', async () => {
      const server = await world.serve((call) => call.reply(call.body));
      const connection = await world.connect(server.address);
      const sizes = [0, 1, 16_383, 16_384, 16_385, 65_520, 65_536, 1_000_000, 9_000_000];
      const bodies = sizes.map((size) => Uint8Array.from({ length: size }, (_, index) => (index * 31 + size) % 251));
      const answers = await world.settle(Promise.all(bodies.map((body) => connection.call(1, body, { timeoutMs: 20_000 }))));
      for (const [index, answer] of answers.entries()) expect(Buffer.compare(answer, bodies[index]!)).toBe(0);
    });

    test('bodies in two parts: arrive as one, around the size from which the second is not copied', async () => {
      const server = await world.serve(async (call) => {
        if (call.method === 1) return call.reply(call.body);
        for (let at = 0; at < 3; at += 1) await call.item(text(`${at}:`), call.body);
        call.reply();
      });
      const connection = await world.connect(server.address);
      for (const bytes of [0, 1, 16_383, 16_384, 3_000_000]) {
        const tail = Buffer.alloc(bytes, 'tail');
        const answers = await world.settle(
          Promise.all([0, 1].map((n) => connection.call(1, text(`head ${n}`), { timeoutMs: 20_000, tail }))),
        );
        expect(answers.map((answer) => string(answer))).toEqual([`head 0${tail}`, `head 1${tail}`]);
      }
      expect(await world.settle(all(connection.stream(2, text('x'), { ...SOON, tail: text('yz') })))).toEqual(['0:xyz', '1:xyz', '2:xyz']);
    });

    test('errors: thrown, rejected, and told ones, come with code and details', async () => {
      const error = new UnderstudyError('not_leader', 'this master does not lead', { leader: 'm2:19998', retryAfterMs: 20 });
      const server = await world.serve((call) => {
        if (call.method === 1) call.fail(error);
        if (call.method === 2) throw error;
        if (call.method === 3) throw new TypeError('a defect');
        return call.method === 4 ? Promise.reject(error) : undefined;
      });
      const connection = await world.connect(server.address);
      for (const method of [1, 2, 4]) {
        const told = await failure(world.settle(connection.call(method, text(''), SOON)));
        expect(told).toMatchObject({ code: 'not_leader', message: error.message, leader: 'm2:19998', retryAfterMs: 20 });
      }
      expect((await failure(world.settle(connection.call(3, text(''), SOON)))).code).toBe('internal');
      const logged = world.lines.filter((line) => line.level === 'error');
      expect(logged).toHaveLength(1);
      expect(logged[0]?.values.error).toBeInstanceOf(TypeError);
    });

    test('deadline: passes, ends the call on both sides', async () => {
      const calls: ServerCall[] = [];
      const server = await world.serve((call) => void calls.push(call));
      const connection = await world.connect(server.address);
      const patient = failure(connection.call(1, text(''), { timeoutMs: 60_000 }));
      const began = world.clock.monotonicMs();
      const error = await failure(world.settle(connection.call(1, text(''), { timeoutMs: 60 })));
      expect(error.code).toBe('deadline_exceeded');
      expect(world.clock.monotonicMs() - began).toBeGreaterThanOrEqual(60);
      expect(world.clock.monotonicMs() - began).toBeLessThan(2_000);
      await world.until(() => calls[1]?.signal.aborted === true);
      calls[1]?.reply(text('too late'));
      expect((await failure(world.settle(connection.call(1, text(''), { timeoutMs: 0 })))).code).toBe('deadline_exceeded');
      expect(calls).toHaveLength(2);
      expect(calls[0]?.signal.aborted).toBe(false);
      await world.settle(connection.close());
      expect((await world.settle(patient)).code).toBe('cancelled');
    });

    test('signal: aborted, the call is cancelled here and at the server', async () => {
      const calls: ServerCall[] = [];
      const server = await world.serve((call) => void calls.push(call));
      const connection = await world.connect(server.address);
      const controller = new AbortController();
      const answer = failure(connection.call(1, text(''), { timeoutMs: 60_000, signal: controller.signal }));
      await world.until(() => calls.length === 1);
      expect(calls[0]?.signal.aborted).toBe(false);
      controller.abort();
      expect((await world.settle(answer)).code).toBe('cancelled');
      await world.until(() => calls[0]?.signal.aborted === true);
      expect(isError(calls[0]?.signal.reason, 'cancelled')).toBe(true);
      const before = failure(connection.call(1, text(''), { timeoutMs: 60_000, signal: controller.signal }));
      expect((await world.settle(before)).code).toBe('cancelled');
      expect(calls).toHaveLength(1);
    });

    test('calls in flight: beyond the bound, resource_exhausted for those alone', async () => {
      const calls: ServerCall[] = [];
      const server = await world.serve((call) => void calls.push(call), { callsInFlightMax: 3 });
      const connection = await world.connect(server.address, { callsInFlightMax: 6 });
      const answers = Array.from({ length: 7 }, () => connection.call(1, text(''), SOON));
      const refused = await world.settle(Promise.all(answers.slice(3).map(failure)));
      expect(refused.map((error) => error.code)).toEqual(Array(4).fill('resource_exhausted'));
      expect(calls).toHaveLength(3);
      for (const call of calls) call.reply(text('done'));
      expect((await world.settle(Promise.all(answers.slice(0, 3)))).map(string)).toEqual(['done', 'done', 'done']);
      const again = connection.call(1, text(''), SOON);
      await world.until(() => calls.length === 4);
      calls[3]?.reply();
      await world.settle(again);
    });

    test('calls given up: count until their handlers have settled, on their connection and after it', async () => {
      const calls: ServerCall[] = [];
      const settings = { callsInFlightMax: 3, connectionsMax: 2 };
      const server = await world.serve((call) => void (call.method === 2 ? call.reply() : calls.push(call)), settings);
      const connection = await world.connect(server.address);
      const limit = { timeoutMs: 60_000 };
      for (let turn = 0; turn < 5; turn += 1) {
        const controller = new AbortController();
        const given = failure(connection.call(1, text(''), { ...limit, signal: controller.signal }));
        if (turn < 3) await world.until(() => calls.length === turn + 1);
        else expect((await world.settle(given)).code).toBe('resource_exhausted');
        controller.abort();
        await world.settle(given);
      }
      expect(calls).toHaveLength(3);
      await world.until(() => calls.every((call) => call.signal.aborted));
      calls[0]?.reply();
      calls[0]?.fail(new UnderstudyError('internal', 'settles but once'));
      await world.settle(connection.call(2, text(''), limit));
      const last = failure(connection.call(1, text(''), limit));
      await world.until(() => calls.length === 4);
      expect((await failure(world.settle(connection.call(2, text(''), limit)))).code).toBe('resource_exhausted');
      await world.settle(connection.close());
      await world.settle(last);
      await world.until(() => server.connections === 0);
      await world.connect(server.address);
      expect((await failure(world.connect(server.address))).code).toBe('resource_exhausted');
      for (const call of calls) call.fail(new UnderstudyError('unavailable', 'given up'));
      await world.until(() => server.connections === 1);
      await world.settle((await world.connect(server.address)).call(2, text(''), limit));
    });

    test('streams given up: an async handler that returns has settled', async () => {
      let streams = 0;
      const server = await world.serve(
        async (call) => {
          streams += 1;
          try {
            for (;;) await call.item(new Uint8Array(100));
          } catch {
            streams -= 1;
          }
        },
        { callsInFlightMax: 1 },
      );
      const connection = await world.connect(server.address);
      for (let turn = 0; turn < 3; turn += 1) {
        const items = connection.stream(1, text(''), SOON)[Symbol.asyncIterator]();
        expect((await world.settle(items.next())).done).toBe(false);
        await world.settle(Promise.resolve(items.return?.()));
        await world.until(() => streams === 0);
      }
    });

    test('sizes: a request or an answer over the limit, resource_exhausted for that call alone', async () => {
      const server = await world.serve((call) => call.reply(new Uint8Array(call.method)), { frameBytesMax: 1000 });
      const connection = await world.connect(server.address, { frameBytesMax: 500 });
      expect((await failure(world.settle(connection.call(1, new Uint8Array(985), SOON)))).code).toBe('resource_exhausted');
      expect((await failure(world.settle(connection.call(485, text(''), SOON)))).code).toBe('resource_exhausted');
      expect(await world.settle(connection.call(484, new Uint8Array(984), SOON))).toHaveLength(484);
    });

    test('stream: more than its credit, arrives whole and in order', async () => {
      const server = await world.serve(async (call) => {
        for (let index = 0; index < 300; index += 1) await call.item(text(`item ${index}`));
        call.reply();
      });
      const connection = await world.connect(server.address, { streamCreditBytes: 100 });
      const items = await world.settle(all(connection.stream(1, text(''), SOON)));
      expect(items).toEqual(Array.from({ length: 300 }, (_, index) => `item ${index}`));
    });

    test('stream: fails after items, they come first and then the error', async () => {
      const server = await world.serve(async (call) => {
        await call.item(text('one'));
        await call.item(text('two'));
        call.fail(new UnderstudyError('corrupt', 'stored data is damaged'));
      });
      const connection = await world.connect(server.address);
      const seen: string[] = [];
      const error = await failure(
        world.settle(
          (async () => {
            for await (const item of connection.stream(1, text(''), SOON)) seen.push(string(item));
          })(),
        ),
      );
      expect(seen).toEqual(['one', 'two']);
      expect(error.code).toBe('corrupt');
    });

    test('stream: nobody takes its items, the server waits and other calls go on', async () => {
      let sent = 0;
      const server = await world.serve(async (call) => {
        if (call.method === 2) return call.reply(call.body);
        for (; sent < 1000; sent += 1) await call.item(new Uint8Array(100));
        call.reply();
      });
      const connection = await world.connect(server.address, { streamCreditBytes: 1000 });
      const items = connection.stream(1, text(''), { timeoutMs: 60_000 })[Symbol.asyncIterator]();
      await world.settle(items.next());
      await world.until(() => sent >= 9);
      for (let index = 0; index < 50; index += 1) await world.settle(connection.call(2, text('quick'), SOON));
      expect(sent).toBeLessThan(20);
      await world.settle(Promise.resolve(items.return?.()));
    });

    test('stream: loop is left, cancelled at the server and its waiting item rejected', async () => {
      let rejected: unknown;
      let call: ServerCall | undefined;
      const server = await world.serve(async (incoming) => {
        call = incoming;
        try {
          for (;;) await incoming.item(new Uint8Array(100));
        } catch (error) {
          rejected = error;
        }
      });
      const connection = await world.connect(server.address, { streamCreditBytes: 1000 });
      await world.settle(
        (async () => {
          for await (const _ of connection.stream(1, text(''), SOON)) break;
        })(),
      );
      await world.until(() => call?.signal.aborted === true);
      await world.until(() => isError(rejected, 'cancelled'));
    });

    test('stream: deadline passes while the loop waits, deadline_exceeded', async () => {
      const server = await world.serve((call) => void call.item(text('only')));
      const connection = await world.connect(server.address);
      const error = await failure(world.settle(all(connection.stream(1, text(''), { timeoutMs: 60 }))));
      expect(error.code).toBe('deadline_exceeded');
    });

    test('stream and unary: asked for the other kind, failed_precondition', async () => {
      const server = await world.serve(async (call) => {
        if (call.method === 1) call.reply(text('one body'));
        else await call.item(text('an item'));
      });
      const connection = await world.connect(server.address);
      expect((await failure(world.settle(all(connection.stream(1, text(''), SOON))))).code).toBe('failed_precondition');
      expect((await failure(world.settle(connection.call(2, text(''), SOON)))).code).toBe('failed_precondition');
    });

    test('server closes: calls in flight fail with unavailable, signals abort, nothing is left', async () => {
      const calls: ServerCall[] = [];
      const server = await world.serve((call) => void calls.push(call));
      const connection = await world.connect(server.address);
      const error = failure(connection.call(1, text(''), SOON));
      await world.until(() => calls.length === 1);
      await world.settle(server.close());
      expect(server.connections).toBe(0);
      expect((await world.settle(error)).code).toBe('unavailable');
      expect((await world.settle(error)).message).toContain('outcome of the call is unknown');
      expect(connection.lost.aborted).toBe(true);
      expect(calls[0]?.signal.aborted).toBe(true);
      expect((await failure(world.settle(connection.call(1, text(''), SOON)))).code).toBe('unavailable');
      const refused = await failure(world.connect(server.address));
      expect(refused.code).toBe('unavailable');
      expect((refused.cause as { code?: string }).code).toBe('ECONNREFUSED');
    });

    test('client closes: its calls fail with cancelled, the server lets go', async () => {
      const calls: ServerCall[] = [];
      const server = await world.serve((call) => void calls.push(call));
      const connection = await world.connect(server.address);
      const error = failure(connection.call(1, text(''), SOON));
      await world.until(() => calls.length === 1);
      await world.settle(Promise.all([connection.close(), connection.close()]));
      expect((await world.settle(error)).code).toBe('cancelled');
      await world.until(() => server.connections === 0);
      expect(calls[0]?.signal.aborted).toBe(true);
    });

    test('stop accepting: new connections are refused, old ones go on', async () => {
      const server = await world.serve((call) => call.reply(call.body));
      const connection = await world.connect(server.address);
      await world.settle(server.stopAccepting());
      expect((await failure(world.connect(server.address))).code).toBe('unavailable');
      expect(string(await world.settle(connection.call(1, text('still'), SOON)))).toBe('still');
    });

    test('connections: beyond the bound, told so, and room again when one has left', async () => {
      const server = await world.serve((call) => call.reply(), { connectionsMax: 2 });
      const first = await world.connect(server.address);
      await world.connect(server.address);
      expect((await failure(world.connect(server.address))).code).toBe('resource_exhausted');
      await world.settle(first.close());
      await world.until(() => server.connections < 2);
      await world.settle((await world.connect(server.address)).call(1, text(''), SOON));
    });

    test('listening: on an address in use, failed_precondition naming it', async () => {
      const server = await world.serve((call) => call.reply());
      const error = await failure(world.serve((call) => call.reply(), { listenAddress: server.address }));
      expect(error.code).toBe('failed_precondition');
      expect(error.message).toContain(server.address);
    });

    test('idle: for many keep-alive intervals, both sides stay', async () => {
      const times = { keepAliveIntervalMs: 20, keepAliveTimeoutMs: 40 };
      const server = await world.serve((call) => call.reply(call.body), times);
      const connection = await world.connect(server.address, times);
      await world.elapse(400);
      expect(string(await world.settle(connection.call(1, text('here'), SOON)))).toBe('here');
    });
  });
}
