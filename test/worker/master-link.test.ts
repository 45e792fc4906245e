import { expect, test } from 'vitest';
import type { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../../src/base/encode-message.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { type Deferred, deferred, orAborted } from '../../src/base/wait.js';
import { operations } from '../../src/metadata/operations.js';
import type { CallOptions, RpcConnection } from '../../src/rpc/rpc.js';
import { ChangeLog } from '../../src/worker/change-log.js';
import { MasterLink } from '../../src/worker/master-link.js';
import { waitUntil } from '../servers/wait-until.js';
import { ScriptedStore } from './scripted-worker.js';

/** A master that takes any worker, and answers a heartbeat when it is told to. */
class HeldBeats implements Pick<RpcConnection, 'call' | 'close'> {
  readonly #beats: Deferred<Uint8Array>[] = [];

  get count(): number {
    return this.#beats.length;
  }

  answer(at: number, answer: understudy.WorkerHeartbeatResponse.$Properties): void {
    this.#beats[at]?.resolve(encodeMessage(operations.workerHeartbeat.response, answer));
  }

  async call(method: number, _body: Uint8Array, { signal }: CallOptions): Promise<Uint8Array> {
    if (method === operations.registerWorker.method)
      return encodeMessage(operations.registerWorker.response, { session: 1, knownChange: 0 });
    if (method !== operations.workerHeartbeat.method) return new Uint8Array();
    const answer = deferred<Uint8Array>();
    this.#beats.push(answer);
    return signal === undefined ? answer.promise : orAborted(answer.promise, signal);
  }

  async close(): Promise<void> {}
}

test('a link: what the answer to a heartbeat commands is done, also where that was sent between two of the loop', async () => {
  const master = new HeldBeats();
  const obeyed: number[] = [];
  const link = new MasterLink('m:1', {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    connect: async () => master as unknown as RpcConnection,
    changes: new ChangeLog(new ScriptedStore()),
    identity: { id: 'w' },
    tiers: () => [],
    isLeaving: () => false,
    execute: async (commands) => void obeyed.push(...commands.map(({ free }) => free?.blocks?.[0]?.inodeId ?? 0)),
    heardOf: () => {},
    checkCluster: () => {},
    incarnationId: () => '',
    taken: async () => {},
    isDouble: () => false,
  });
  const freeing = (inodeId: number) => [{ free: { blocks: [{ inodeId, index: 0, generation: 1 }] } }];
  try {
    await waitUntil('a heartbeat is held', () => master.count === 1);
    link.announce();
    await waitUntil('two are', () => master.count === 2);
    master.answer(1, { commands: freeing(7) });
    await waitUntil('its command is done', () => obeyed.includes(7));
    master.answer(0, { commands: freeing(8) });
    await waitUntil('the loop goes on', () => master.count === 3);
    expect(obeyed).toEqual([7, 8]);
  } finally {
    await link.close();
  }
});
