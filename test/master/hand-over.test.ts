/**
 * The lead handed over, with targets that do their part and targets that fail at each step of it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { deferred } from '../../src/base/wait.js';
import { GENESIS } from '../../src/journal/journal.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import type { Master } from '../../src/master/master.js';
import { encodeEntry } from '../../src/metadata/entries.js';
import { operations } from '../../src/metadata/operations.js';
import type { ServerCall } from '../../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../../src/rpc/rpc-connection.js';
import { RPC_SERVER_DEFAULTS, RpcServer } from '../../src/rpc/rpc-server.js';
import { Disk, MemoryCluster } from './memory-cluster.js';

const soon = { timeout: 8_000, interval: 5 };
let cluster: MemoryCluster;
const targets: RpcServer[] = [];
let writes = 0;

beforeEach(() => {
  cluster = new MemoryCluster();
});

afterEach(async () => {
  for (const target of targets.splice(0)) await target.close();
  await cluster.close();
});

async function leader(): Promise<Master> {
  const { master } = await cluster.start('a');
  await expect.poll(() => master.leadership !== null && master.role.name, soon).toBe('leading');
  return master;
}

/** A standby that has all that `of` has. */
async function standby(name: string, of: Master, settings = {}): Promise<Master> {
  const { master } = await cluster.start(name, new Disk(), settings);
  await expect.poll(() => master.replica?.isVerified && master.replica.end.sn === of.replica?.end.sn, soon).toBe(true);
  return master;
}

/** Asks `at` as an operator does. */
async function transfer(at: string, to = '', user = 'o'): Promise<understudy.TransferLeaderResponse> {
  const deps = { network: cluster.network.host('operator'), clock: systemClock, log: silentLog };
  await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, at, AbortSignal.timeout(1_000));
  const { method, request, response } = operations.transferLeader;
  return response.decode(await connection.call(method, request.encode({ to, user }).finish(), { timeoutMs: 15_000 }));
}

/** Tells `at` to lead, as an operator does. */
async function take(at: string, asked: understudy.TakeLeadRequest.$Properties): Promise<understudy.TakeLeadResponse> {
  const deps = { network: cluster.network.host('operator'), clock: systemClock, log: silentLog };
  await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, at, AbortSignal.timeout(1_000));
  const { method, request, response } = operations.takeLead;
  return response.decode(await connection.call(method, request.encode(asked).finish(), { timeoutMs: 15_000 }));
}

/** A write of the master's own. */
function write(master: Master): Promise<void> {
  const name = `w${++writes}`;
  if (master.leadership === null) throw new Error('it does not lead');
  return master.leadership.append((state) => ({
    createDirectory: { parentId: 1, names: [name], inode: { id: state.nextIds().inodeId, directory: true } },
  }));
}

/** Something at `t:1` that says that it could take the lead, and does `take` when it is told to. */
async function scripted(take: (call: ServerCall) => void | Promise<void>, rehearse?: (call: ServerCall) => void): Promise<string> {
  const settings = { ...RPC_SERVER_DEFAULTS, listenAddress: 't:1' };
  const { request, response } = operations.takeLead;
  const ready = (call: ServerCall) => call.reply(response.encode({ epoch: 1, sn: 1, rpcAddress: 't:1' }).finish());
  const deps = { network: cluster.network.host('t'), clock: systemClock, log: silentLog };
  targets.push(
    await RpcServer.open(settings, deps, (call) => (request.decode(call.body).rehearsal ? (rehearse ?? ready)(call) : take(call))),
  );
  return 't:1';
}

/** What a write gets that comes while the lead is being handed over: it waits, and goes through. */
async function writesOn(master: Master, during: Promise<unknown>): Promise<void> {
  await expect.poll(() => master.leadership?.isHeld, soon).toBe(true);
  const held = write(master);
  await during;
  await held;
  await write(master);
  expect(master.role).toMatchObject({ name: 'leading', epoch: 1 });
}

describe('a hand-over', () => {
  it('to a standby: the next epoch is its, what came meanwhile is sent there, the old leader follows', async () => {
    const old = await leader();
    const next = await standby('b', old);
    const done = transfer('a:19998', 'b:19998');
    await expect.poll(() => old.leadership?.isHeld ?? true, { timeout: 8_000, interval: 0 }).toBe(true);
    const held = old.leadership === null ? Promise.reject(old.notLeader()) : write(old);
    await expect(held).rejects.toMatchObject({ code: 'not_leader', leader: 'b:19998' });
    expect(await done).toMatchObject({ from: 'a:19998', to: 'b:19998', epoch: 2 });
    expect(old.notLeader()).toMatchObject({ code: 'not_leader', leader: 'b:19998' });
    await write(next);
    await expect.poll(() => [old.role.name, old.replica?.end.sn], soon).toEqual(['following', next.replica?.end.sn]);
    expect(next.role).toMatchObject({ name: 'leading', epoch: 2 });
  });

  it('asked for by somebody who is no superuser, or by nobody: refused, and the leader goes on; so is to be told to lead', async () => {
    const old = await leader();
    await standby('b', old);
    for (const user of ['eve', '']) {
      await expect(transfer('a:19998', 'b:19998', user)).rejects.toMatchObject({ code: 'permission_denied', errno: 'EPERM' });
      await expect(take('b:19998', { user, force: true })).rejects.toMatchObject({ code: 'permission_denied', errno: 'EPERM' });
    }
    expect(old.role).toMatchObject({ name: 'leading', epoch: 1 });
  });

  it('told to lead by an operator: refused while a leader serves, unless by force, which fences it', async () => {
    const old = await leader();
    const next = await standby('b', old);
    await expect(take('b:19998', { user: 'o' })).rejects.toThrow('a leader serves, which has to hand over itself (leader transfer)');
    expect(await take('b:19998', { user: 'o', force: true })).toMatchObject({ epoch: 2, rpcAddress: 'b:19998' });
    await write(next);
    await expect.poll(() => old.role.name, soon).toBe('following');
  });

  it('to nobody in particular: a standby that is fed takes the lead', async () => {
    const old = await leader();
    const next = await standby('b', old);
    await expect.poll(() => old.standbys.list().length, soon).toBe(1);
    expect(await transfer('a:19998')).toMatchObject({ to: 'b:19998', epoch: 2 });
    expect(next.role.name).toBe('leading');
  });

  it('again and again, back and forth: one lead at a time, and both agree', async () => {
    const a = await leader();
    const b = await standby('b', a);
    for (let epoch = 2; epoch < 12; epoch++) {
      const [from, to] = epoch % 2 === 0 ? [a, b] : [b, a];
      await write(from);
      expect(await transfer(from.rpcAddress, to.rpcAddress)).toMatchObject({ epoch });
      expect([from.leadership, to.role.name]).toEqual([null, 'leading']);
    }
    await write(b.leadership === null ? a : b);
    await expect.poll(() => a.replica?.end.sn === b.replica?.end.sn, soon).toBe(true);
  });

  it('two at once: one is made, the other is refused or finds the lead moved', async () => {
    const old = await leader();
    await standby('b', old);
    await standby('c', old);
    const both = await Promise.allSettled([transfer('a:19998', 'b:19998'), transfer('a:19998', 'c:19998')]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = both.find((one) => one.status === 'rejected');
    expect(refused?.reason.code).toMatch(/^(aborted|not_leader)$/);
  });

  it('with nobody to hand over to, or to itself: says so, and goes on', async () => {
    const old = await leader();
    await expect(transfer('a:19998')).rejects.toMatchObject({ message: 'no standby is known that could take the lead' });
    await expect(transfer('a:19998', 'a:19998')).rejects.toMatchObject({ message: 'this master leads already: address=a:19998' });
    await expect(transfer('a:19998', 'nobody:1')).rejects.toMatchObject({ message: expect.stringContaining('nobody:1: cannot connect') });
    await write(old);
  });

  it('asked of a standby: names the leader', async () => {
    await standby('b', await leader());
    await expect(transfer('b:19998')).rejects.toMatchObject({ code: 'not_leader', leader: 'a:19998' });
  });

  it('to a master of another cluster, or an observer: is refused', async () => {
    const old = await leader();
    await standby('b', old, { isObserver: true });
    await expect(transfer('a:19998', 'b:19998')).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('b:19998: an observer never leads'),
    });
    const other = new MemoryCluster();
    const far = await other.start('far');
    const deps = { network: other.network.host('operator'), clock: systemClock, log: silentLog };
    await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, deps, 'far:19998', AbortSignal.timeout(1_000));
    const body = operations.takeLead.request.encode({ clusterId: 'none of yours', from: 'a:1', epoch: 1, rehearsal: true }).finish();
    await expect(connection.call(operations.takeLead.method, body, { timeoutMs: 1_000 })).rejects.toThrow('a master of another cluster');
    await far.master.close();
  });

  it('to a target that is too far behind: says by how much, and nobody has waited', async () => {
    const old = await leader();
    await scripted(
      () => {},
      (call) => call.fail(new UnderstudyError('unavailable', 'it is too far behind: entries=7')),
    );
    await expect(transfer('a:19998', 't:1')).rejects.toMatchObject({
      message: expect.stringContaining('t:1: it is too far behind: entries=7'),
    });
    expect(old.leadership?.isHeld).toBe(false);
  });

  it('a target that refuses when it is told, or dies then: the leader goes on, and who waited is served', async () => {
    const old = await leader();
    await scripted((call) => call.fail(new UnderstudyError('unavailable', 'not now: role=rebuilding')));
    await expect(transfer('a:19998', 't:1')).rejects.toMatchObject({
      message: 'the hand-over failed, and this master goes on leading: to=t:1: not now: role=rebuilding',
    });
    await write(old);
    await targets.pop()?.close();
    await scripted(() => void targets.pop()?.close());
    await expect(transfer('a:19998', 't:1')).rejects.toMatchObject({ message: expect.stringContaining('goes on leading') });
    await write(old);
  });

  it('a target that never answers: the leader goes on within its bound, and who waited is served', async () => {
    const old = await leader();
    await scripted(() => {});
    const refused = expect(transfer('a:19998', 't:1')).rejects.toMatchObject({ message: expect.stringContaining('goes on leading') });
    await writesOn(old, refused);
  });

  it('a target that claims and does not say so: the old leader finds out, and leads again only because nobody serves', async () => {
    const old = await leader();
    await scripted(async () => {
      const journal = MemoryJournal.open(cluster.journal, { name: 't' });
      const entry = (epoch: number) => ({
        bytes: encodeEntry({ timeMs: 1, claim: { epoch, host: 't:1', owner: 'o', group: 'g' } }),
        timeMs: 1,
      });
      await journal.claim({ from: GENESIS, entry, deliver() {} });
    });
    const refused = expect(transfer('a:19998', 't:1')).rejects.toMatchObject({
      code: 'aborted',
      message: expect.stringContaining('perhaps=t:1'),
    });
    await expect.poll(() => old.leadership?.isHeld, soon).toBe(true);
    await expect(write(old)).rejects.toMatchObject({ code: 'not_leader' });
    await refused;
    await expect.poll(() => old.role.name === 'leading' && old.role.epoch > 2, soon).toBe(true);
  });

  it('a journal that hangs then: nobody waits for its word for long, and what was held is served once it answers', async () => {
    const old = await leader();
    const hung = deferred<undefined>();
    await scripted(() => {
      cluster.journal.intercept = ({ kind }) => (kind === 'check' ? hung.promise : undefined);
      throw new UnderstudyError('unavailable', 'no');
    });
    await expect(transfer('a:19998', 't:1')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('goes on') });
    expect(old.leadership?.isHeld).toBe(false);
    cluster.journal.intercept = undefined;
    hung.resolve(undefined);
    await write(old);
  });

  it('the old leader loses the lead while it waits for its target: nobody resumes', async () => {
    const old = await leader();
    await scripted(() => {});
    const refused = expect(transfer('a:19998', 't:1')).rejects.toMatchObject({ code: 'aborted' });
    await expect.poll(() => old.leadership?.isHeld, soon).toBe(true);
    old.input({ type: 'writer ended', error: new UnderstudyError('fenced', 'a later epoch exists') });
    await refused;
    expect(old.leadership?.isHeld ?? false).toBe(false);
  });

  it('the leader claims anew while its target takes the lead: the new lead is not given up for the old one', async () => {
    const old = await leader();
    await scripted(async (call) => {
      await expect.poll(() => old.role.name === 'leading' && old.leadership?.writer.epoch, soon).toBe(2);
      call.reply(operations.takeLead.response.encode({ epoch: 2, sn: 2, rpcAddress: 't:1' }).finish());
    });
    // What is in flight when calls are held fails.
    cluster.journal.intercept = async ({ kind }) => {
      if (kind !== 'write') return undefined;
      cluster.journal.intercept = undefined;
      await expect.poll(() => old.leadership?.isHeld, soon).toBe(true);
      return 'fail';
    };
    const lost = expect(write(old)).rejects.toMatchObject({ code: 'outcome_unknown' });
    await expect(transfer('a:19998', 't:1')).rejects.toMatchObject({ code: 'aborted' });
    await lost;
    await write(old);
    expect(old.role).toMatchObject({ name: 'leading', epoch: 2 });
  });
});
