import fc from 'fast-check';
import { expect, test } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { operations } from '../../src/metadata/operations.js';
import { created, fail, leads, never, type Script, ScriptedCluster, status } from './scripted-cluster.js';

const FAULTS = [
  'none',
  'none',
  'none',
  'loseRequest',
  'loseAnswer',
  'delay',
  'unavailable',
  'not_leader',
  'outcome_unknown',
  'forget',
] as const;
const WINDOW = 4;

/** What the masters share: registered clients, and the outcome of each of their calls, as the journal keeps them. */
class SharedState {
  clients = 0;
  readonly known = new Set<number>();
  readonly ran = new Map<string, number>();
  readonly lowest = new Map<number, number>();

  /** @returns the entry of this call, made now or before. */
  run({ clientId, callId, lowestUnanswered }: understudy.Caller.$Properties): number {
    const client = clientId ?? 0;
    const lowest = Math.max(lowestUnanswered ?? 0, this.lowest.get(client) ?? 0);
    expect(callId).toBeLessThan(lowest + WINDOW);
    if (!this.known.has(client) || callId! < lowest) return fail('session_expired');
    this.lowest.set(client, lowest);
    const key = `${client}/${callId}`;
    const sn = this.ran.get(key) ?? this.ran.size + 1;
    this.ran.set(key, sn);
    return sn;
  }
}

/** A master that meets the next of `faults` with each mutation. */
function faulty(state: SharedState, faults: () => (typeof FAULTS)[number], isLeader: () => boolean): Script {
  const leader = leads(1, async (call) => {
    const fault = faults();
    if (!isLeader() || fault === 'not_leader') return fail('not_leader');
    const caller = understudy.CreateFileRequest.decode(call.body).caller ?? {};
    if (fault === 'unavailable') return fail('unavailable');
    if (fault === 'loseRequest') {
      call.lose();
      return never();
    }
    if (fault === 'forget') state.known.clear();
    if (fault === 'delay') await new Promise(setImmediate);
    const sn = state.run(caller);
    if (fault === 'outcome_unknown') return fail('outcome_unknown');
    if (fault === 'loseAnswer') {
      call.lose();
      return never();
    }
    return created(sn);
  });
  return (call) => {
    if (call.method === operations.masterStatus.method) return status(isLeader() ? 'ACTIVE' : 'PASSIVE', 1);
    if (call.method !== operations.registerClient.method) return leader(call);
    state.clients += 1;
    state.known.add(state.clients);
    return understudy.RegisterClientResponse.encode({ clientId: state.clients, window: WINDOW }).finish();
  };
}

test('client: any faults of two masters (I5), an answered call ran once, a refused one at most once, and only an unknown one is in doubt', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...FAULTS), { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), async (plan, calls) => {
      const state = new SharedState();
      const cluster = new ScriptedCluster();
      const left = [...plan];
      const next = () => left.shift() ?? 'none';
      for (const [index, address] of ['a:1', 'b:1'].entries()) {
        cluster.add(
          address,
          faulty(state, next, () => left.length % 2 === index || left.length === 0),
        );
      }
      await using fs = cluster.client({ quickRetryBaseMs: 0.1, retryBaseMs: 0.2, retryMaxMs: 1 });
      const settled = await Promise.allSettled(Array.from({ length: calls }, (_, index) => fs.createFile(`/${index}`)));
      const answered = settled.filter((one) => one.status === 'fulfilled').map(({ value }) => value.sn);
      const refused = settled.filter((one) => one.status === 'rejected').map(({ reason }) => reason.code);
      expect(new Set(answered).size).toBe(answered.length);
      expect(refused.filter((code) => code !== 'session_expired')).toEqual([]);
      expect(state.ran.size).toBeGreaterThanOrEqual(answered.length);
      expect(state.ran.size).toBeLessThanOrEqual(calls);
    }),
    { numRuns: 150 },
  );
});

for (const [code, outcome] of [
  ['resource_exhausted', 'told what the first attempt did'],
  ['internal', 'outcome_unknown'],
] as const) {
  test(`client: a second attempt is refused with ${code}, which says nothing of the first (I5), ${outcome}`, async () => {
    const cluster = new ScriptedCluster();
    let attempts = 0;
    cluster.add(
      'a:1',
      leads(1, (call) => {
        attempts += 1;
        if (attempts === 2) return fail(code);
        // It took effect, and the answer is lost.
        if (attempts === 1) call.lose();
        return attempts === 1 ? never() : created(7);
      }),
    );
    await using fs = cluster.client({ quickRetryBaseMs: 0.1, retryBaseMs: 0.2, retryMaxMs: 1 });
    const call = fs.createFile('/a').then(
      ({ sn }) => `sn=${sn}`,
      (error) => error.code,
    );
    expect(await call).toBe(code === 'resource_exhausted' ? 'sn=7' : 'outcome_unknown');
  });
}
