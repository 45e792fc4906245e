/**
 * What every election has to do, run over memory, embedded and ZooKeeper.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { epoch } from '../../src/base/ids.js';
import type { Election, ElectionEvent, LeaderDirectory } from '../../src/election/election.js';
import { waitUntil } from '../servers/wait-until.js';

/** One candidate as the suite sees it. */
interface ElectionCandidate {
  readonly election: Election;
  readonly rpcAddress: string;
  /** Its process is gone without a word; what it reports afterwards is not asked. */
  kill(): Promise<void>;
  /** It is cut off until the others have another leader or know that it is gone; then it hears again. */
  loseSession(): Promise<void>;
}

/** One service with its candidates, new for each test. */
export interface ElectionWorld extends AsyncDisposable {
  /** How long a dead candidate keeps its place. */
  readonly timeoutMs: number;
  /** Whether the queue is a queue: the one that waited longest is next. */
  readonly inOrder: boolean;
  candidate(): Promise<ElectionCandidate>;
  /** Undefined where clients do not ask the election service. */
  directory(): Promise<LeaderDirectory | undefined>;
}

interface Member extends ElectionCandidate {
  readonly events: ElectionEvent[];
  readonly elected: boolean;
}

const HAND_OVER_MS = 300;
const record = (rpcAddress: string, number: number) => ({ rpcAddress, webAddress: `web-of-${rpcAddress}`, epoch: epoch(number) });

export function electionContract(name: string, makeWorld: () => Promise<ElectionWorld>): void {
  describe(`election contract: ${name}`, () => {
    let world: ElectionWorld;
    let members: Member[];

    beforeEach(async () => {
      world = await makeWorld();
      members = [];
    });

    afterEach(async () => {
      await Promise.all(members.map(({ election }) => election.close()));
      await world[Symbol.asyncDispose]();
      for (const { events } of members) {
        const types = events.map(({ type }) => type);
        expect(types).toEqual(types.map((_, index) => (index % 2 === 0 ? 'elected' : 'deposed')));
      }
    });

    /** Joins `count` candidates one after another; the first is elected before the second joins. */
    async function join(count: number): Promise<Member[]> {
      for (let index = 0; index < count; index++) {
        const candidate = await world.candidate();
        const events: ElectionEvent[] = [];
        const member = Object.defineProperty({ ...candidate, events, elected: false }, 'elected', {
          get: () => events.at(-1)?.type === 'elected',
        });
        members.push(member);
        candidate.election.join(candidate.rpcAddress, (event) => events.push(event));
        if (index === 0) await waitUntil('the only candidate is elected', () => member.elected);
        else await known(index + 1);
      }
      return [...members];
    }

    /** Until the service knows `count` candidates, where it tells. */
    async function known(count: number): Promise<void> {
      await using directory = await world.directory();
      if (directory !== undefined) await waitUntil(`${count} candidates`, async () => (await directory.candidates()).length === count);
    }

    const only = (...expected: Member[]) => {
      const elected = members.filter((member) => member.elected);
      return elected.length === expected.length && expected.every((member) => elected.includes(member));
    };

    const oneOf = (some: readonly Member[]) => some.filter((member) => member.elected).length === 1;

    test('join: three candidates, only the first is elected', async () => {
      const [first] = await join(3);
      expect(only(first!)).toBe(true);
      expect(members.map(({ events }) => events.length)).toEqual([1, 0, 0]);
    });

    test('leave: elected candidate leaves, another is elected at once, and so on to the last', async () => {
      let waiting = await join(3);
      for (let leaver = waiting[0]!; waiting.length > 1; ) {
        waiting = waiting.filter((member) => member !== leaver);
        const before = performance.now();
        await leaver.election.leave();
        await waitUntil('one of the others is elected', () => oneOf(waiting));
        expect(performance.now() - before).toBeLessThan(HAND_OVER_MS);
        if (world.inOrder) expect(waiting[0]?.elected).toBe(true);
        expect(leaver.events.at(-1)?.type).toBe('elected');
        leaver = waiting.find(({ elected }) => elected)!;
      }
    });

    test('leave: waiting candidate leaves, the elected one hears nothing and the third is next', async () => {
      const [first, second, third] = await join(3);
      await second!.election.leave();
      await second!.election.leave();
      await first!.election.leave();
      await waitUntil('the third is elected', () => third!.elected);
      expect(first!.events).toHaveLength(1);
      expect(second!.events).toEqual([]);
    });

    test('requeue: elected candidate, deposed before it returns, another is elected, and it comes back when they leave', async () => {
      const [first, second, third] = await join(3);
      const requeued = first!.election.requeue();
      expect(first!.events.map(({ type }) => type)).toEqual(['elected', 'deposed']);
      await requeued;
      await waitUntil('another is elected', () => oneOf([second!, third!]));
      if (world.inOrder) expect(second!.elected).toBe(true);
      const [next, last] = second!.elected ? [second!, third!] : [third!, second!];
      await last.election.leave();
      await next.election.leave();
      await waitUntil('the first is elected again', () => first!.elected);
      expect(first!.events).toHaveLength(3);
    });

    test('requeue: only candidate, deposed and elected again', async () => {
      const [only] = await join(1);
      await only!.election.requeue();
      await waitUntil('elected again', () => only!.events.length === 3);
    });

    test('requeue: waiting candidate, nothing is reported and it stays one', async () => {
      const [first, second] = await join(2);
      await second!.election.requeue();
      expect(second!.events).toEqual([]);
      await first!.election.leave();
      await waitUntil('the second is elected', () => second!.elected);
    });

    test('kill: elected candidate dies, another is elected after the time-out and not before', async () => {
      const [first, ...others] = await join(3);
      const before = performance.now();
      await first!.kill();
      await waitUntil('another is elected', () => oneOf(others), world.timeoutMs * 4 + 5_000);
      expect(performance.now() - before).toBeGreaterThan(world.timeoutMs / 3);
    });

    test('kill: waiting candidate dies, the elected one hears nothing', async () => {
      const [first, second, third] = await join(3);
      await second!.kill();
      await first!.election.leave();
      await waitUntil('the third is elected', () => third!.elected, world.timeoutMs * 4 + 5_000);
      expect(first!.events).toHaveLength(1);
    });

    test('expel: elected candidate whose process is gone, another is elected long before the time-out', async () => {
      const [first, second, third] = await join(3);
      const before = performance.now();
      await first!.kill();
      const seen = await Promise.all([second!, third!].map(({ election }) => election.expel(first!.rpcAddress)));
      expect(seen).toContain(true);
      await waitUntil('another is elected', () => oneOf([second!, third!]));
      expect(performance.now() - before).toBeLessThan(Math.min(HAND_OVER_MS, world.timeoutMs * 0.8));
    });

    test('expel: elected candidate that lives, it is deposed, registers again and is elected when the others leave', async () => {
      const [first, second] = await join(2);
      expect(await second!.election.expel(first!.rpcAddress)).toBe(true);
      await waitUntil('the second is elected', () => second!.elected);
      await waitUntil('the first is deposed', () => !first!.elected);
      await known(2);
      await second!.election.leave();
      await waitUntil('the first is elected again', () => first!.elected);
    });

    test('expel: nobody of that address, nothing happens', async () => {
      const [first, second] = await join(2);
      expect(await second!.election.expel('127.0.0.1:9')).toBe(false);
      expect(only(first!)).toBe(true);
    });

    test('candidates: the elected one is told; of a queue, all', async () => {
      const [first, second] = await join(2);
      const told = async () =>
        (await Promise.all([first!, second!].map(({ election }) => election.candidates()))).map((each) => [...each].sort());
      const wanted = (world.inOrder ? [first!, second!] : [first!]).map(({ rpcAddress }) => rpcAddress).sort();
      await waitUntil('both tell them', async () => JSON.stringify(await told()) === JSON.stringify([wanted, wanted]));
    });

    test('session lost: elected candidate, another is elected, it hears of it and is elected again when that one leaves', async () => {
      const [first, second] = await join(2);
      await first!.loseSession();
      await waitUntil('the second is elected', () => second!.elected);
      await waitUntil('the first is deposed', () => !first!.elected);
      await known(2);
      await second!.election.leave();
      await waitUntil('the first is elected again', () => first!.elected);
      expect(first!.events.map(({ type }) => type)).toEqual(['elected', 'deposed', 'elected']);
    });

    test('publish: known to clients, replaced, withdrawn, withdrawn by leaving', async () => {
      const [first] = await join(1);
      await using directory = await world.directory();
      const { election, rpcAddress } = first!;
      await election.publish(record(rpcAddress, 1));
      expect((await directory?.leaders()) ?? [record(rpcAddress, 1)]).toEqual([record(rpcAddress, 1)]);
      await election.publish(record(rpcAddress, 2));
      expect((await directory?.leaders()) ?? [record(rpcAddress, 2)]).toEqual([record(rpcAddress, 2)]);
      await election.withdraw();
      await election.withdraw();
      expect((await directory?.leaders()) ?? []).toEqual([]);
      await election.publish(record(rpcAddress, 3));
      await election.leave();
      expect((await directory?.leaders()) ?? []).toEqual([]);
    });

    test('publish: two at once, the highest epoch comes first; candidates in the order of the queue', async () => {
      const [first, second] = await join(2);
      await using directory = await world.directory();
      await first!.election.publish(record(first!.rpcAddress, 4));
      await second!.election.publish(record(second!.rpcAddress, 5));
      const leaders = await directory?.leaders();
      expect(leaders?.map((leader) => leader.epoch) ?? [5, 4]).toEqual([5, 4]);
      const addresses = [first!.rpcAddress, second!.rpcAddress];
      expect((await directory?.candidates()) ?? addresses).toEqual(addresses);
    });

    test('publish: session lost, made again by itself until withdrawn', async () => {
      const [first] = await join(2);
      await using directory = await world.directory();
      await first!.election.publish(record(first!.rpcAddress, 7));
      await first!.loseSession();
      await waitUntil('published again', async () => directory === undefined || (await directory.leaders())[0]?.epoch === 7);
      await first!.election.withdraw();
      expect((await directory?.leaders()) ?? []).toEqual([]);
    });

    test('close: again and again, and nothing more can be asked', async () => {
      const [first] = await join(1);
      await first!.election.close();
      await first!.election.close();
      await first!.election.leave();
      await first!.election.withdraw();
      expect(first!.events).toHaveLength(1);
    });
  });
}
