/**
 * One client's view over a pool of masters that lag, die, come back and hand the lead on: it always sees what it has written, and never an
 * older state than it has seen, whoever answers.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../src/base/errors.js';
import type { ReadInfo } from '../../src/client/client.js';
import { operations } from '../../src/metadata/operations.js';
import { created, fail, leads, ScriptedCluster, type ScriptedMaster, status } from './scripted-cluster.js';

const MASTERS = ['a:1', 'b:1', 'c:1'] as const;
type Master = (typeof MASTERS)[number];

/** Three masters over one log. A state is known by its length: reads answer it as the file's length. */
class World {
  readonly cluster = new ScriptedCluster();
  readonly applied = new Map<Master, number>(MASTERS.map((address) => [address, 1]));
  readonly served = new Map<Master, number>(MASTERS.map((address) => [address, 0]));
  readonly #masters = new Map<Master, ScriptedMaster>();
  committed = 1;
  leader: Master = 'a:1';
  epoch = 1;

  constructor() {
    for (const address of MASTERS) {
      const mutation = leads(1, (call) =>
        call.method === operations.createFile.method ? this.write(address) : this.#read(address, call.body),
      );
      this.#masters.set(
        address,
        this.cluster.add(address, (call) => {
          if (call.method === operations.masterStatus.method) return status(this.leader === address ? 'ACTIVE' : 'PASSIVE', this.epoch);
          return mutation(call);
        }),
      );
    }
  }

  write(at: Master): Uint8Array {
    if (at !== this.leader) return fail('not_leader', this.leader);
    this.committed += 1;
    this.applied.set(at, this.committed);
    return created(this.committed);
  }

  #read(at: Master, body: Uint8Array): Uint8Array {
    const { freshness, path } = understudy.GetStatusRequest.decode(body);
    const leads = at === this.leader;
    const sn = this.applied.get(at) ?? 0;
    if (!leads && freshness == null) return fail('not_leader', this.leader);
    if (!leads && (freshness?.atLeastSn ?? 0) > sn) return fail('unavailable');
    this.served.set(at, (this.served.get(at) ?? 0) + 1);
    if (path === '/missing') throw new UnderstudyError('not_found', 'scripted', { sn });
    const behind = leads ? null : { entries: this.committed - sn, ms: 7 };
    return understudy.GetStatusResponse.encode({ sn, inode: { id: 1, length: sn }, behind }).finish();
  }

  /** The standby applies some of what it lacks. */
  catchUp(at: Master, share: number): void {
    const applied = this.applied.get(at) ?? 0;
    this.applied.set(at, applied + Math.floor((this.committed - applied) * share));
  }

  hand(to: Master): void {
    this.catchUp(to, 1);
    this.leader = to;
    this.epoch += 1;
  }

  kill(at: Master): void {
    this.#masters.get(at)?.kill();
  }

  start(at: Master): void {
    const master = this.#masters.get(at);
    if (master !== undefined) master.up = true;
  }

  client(settings: Parameters<ScriptedCluster['client']>[0] = {}) {
    return this.cluster.client({ reads: 'anywhere', quickRetryBaseMs: 0.1, retryBaseMs: 0.2, retryMaxMs: 1, ...settings });
  }
}

const master = fc.constantFrom(...MASTERS);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ type: 'read' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'look at what is missing' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'write' as const }) },
  { weight: 3, arbitrary: fc.constant({ type: 'others write' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('catch up' as const), at: master, share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('hand over' as const), at: master }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), at: master, lost: fc.boolean() }) },
);

describe('reads anywhere', () => {
  test('any steps: a read sees all that its client wrote and saw before it, across hand-overs and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const world = new World();
        await using fs = world.client();
        let seen = 0;
        for (const one of steps) {
          if (one.type === 'write') seen = Math.max(seen, (await fs.createFile('/x')).sn);
          else if (one.type === 'read') {
            const { length } = await fs.getStatus('/x');
            expect(length).toBeGreaterThanOrEqual(seen);
            seen = length;
          } else if (one.type === 'look at what is missing') {
            const refused = await fs.getStatus('/missing').catch((error: UnderstudyError) => error);
            expect(refused).toMatchObject({ code: 'not_found' });
            const sn = (refused as UnderstudyError).sn ?? 0;
            expect(sn).toBeGreaterThanOrEqual(seen);
            seen = sn;
          } else if (one.type === 'others write') world.write(world.leader);
          else if (one.type === 'catch up') world.catchUp(one.at, one.share);
          else if (one.type === 'hand over') world.hand(one.at);
          else if (one.at !== world.leader) {
            world.kill(one.at);
            if (one.lost) world.applied.set(one.at, 1);
            world.start(one.at);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('three masters in step: standbys take turns, and the leader is left alone', async () => {
    const world = new World();
    await using fs = world.client();
    await fs.createFile('/x');
    for (const at of MASTERS) world.catchUp(at, 1);
    for (let count = 0; count < 40; count++) await fs.getStatus('/x');
    expect(world.served.get('b:1')).toBeGreaterThan(10);
    expect(world.served.get('c:1')).toBeGreaterThan(10);
    expect(world.served.get('a:1')).toBeLessThan(5);
  });

  test('standbys too far behind, or gone: the leader answers', async () => {
    const world = new World();
    await using fs = world.client();
    const { sn } = await fs.createFile('/x');
    expect(await fs.getStatus('/x')).toMatchObject({ length: sn });
    world.kill('b:1');
    world.kill('c:1');
    expect(await fs.getStatus('/x')).toMatchObject({ length: sn });
    expect(world.served.get('a:1')).toBeGreaterThan(1);
  });

  test('a read that asks for the leader: the newest, whatever the client is set to', async () => {
    const world = new World();
    await using fs = world.client();
    world.committed = 50;
    world.applied.set('a:1', 50);
    expect(await fs.getStatus('/x', { reads: 'leader' })).toMatchObject({ length: 50 });
  });

  test('a listing that goes on elsewhere: not with an older state than its first pages were of', async () => {
    const cluster = new ScriptedCluster();
    const asked: number[] = [];
    const page = (name: string) => understudy.ListStatusPage.encode({ sn: 10, entries: [{ name, inode: { id: 1 } }] }).finish();
    for (const address of MASTERS) {
      cluster.add(address, leads(1)).pages = async function* (call) {
        const { freshness } = understudy.ListStatusRequest.decode(call.body);
        asked.push(freshness?.atLeastSn ?? 0);
        if (asked.length > 1) return yield page('b');
        yield page('a');
        call.lose();
        yield page('never');
      };
    }
    await using fs = cluster.client({ reads: 'anywhere' });
    const paths: string[] = [];
    for await (const { path } of fs.list('/d')) paths.push(path);
    expect(paths).toEqual(['/d/a', '/d/b']);
    expect(asked).toEqual([0, 10]);
  });

  test('told: who answered, as of which entry, how far behind', async () => {
    const world = new World();
    world.kill('c:1');
    world.committed = 5;
    world.applied.set('a:1', 5);
    world.applied.set('b:1', 3);
    await using fs = world.client({ reads: 'leader' });
    const infos: ReadInfo[] = [];
    const told = (info: ReadInfo) => infos.push(info);
    await fs.getStatus('/x', { told });
    await fs.getStatus('/x', { stale: true, told });
    expect(infos).toEqual([
      { master: 'a:1', sn: 5, behind: undefined },
      { master: 'b:1', sn: 3, behind: { entries: 2, ms: 7 } },
    ]);
  });
});
