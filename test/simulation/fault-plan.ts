/**
 * Which faults a world suffers, and when: before any event, by chance from the seed. Every fault ends by itself; `mend` ends all at once.
 */
import type { SeededRandom } from './seeded-random.js';
import type { VirtualTime } from './virtual-time.js';

/** What can be done to a world. Hosts are named; masters first. */
export interface Breakable {
  readonly masters: readonly string[];
  readonly clients: readonly string[];
  /** @returns the master that serves now, if one is known to. */
  leader(): string | undefined;
  /** The process dies; its host goes on. */
  kill(host: string): void;
  /** The host loses power. */
  vanish(host: string): void;
  /** Everything loses power at the same moment, storage too. */
  powerCut(): void;
  /** The process is told to end, and ends in order. */
  stop(host: string): void;
  /** An operator has the lead handed over: to `host`, or to whoever is nearest. */
  transfer(host: string | undefined): void;
  /** Starts what is not running. */
  restart(host: string): void;
  /** Loses the host's key-value store; only while it is not running. */
  wipe(host: string): void;
  pause(host: string): void;
  resume(host: string): void;
  cut(one: string, other: string): void;
  heal(one: string, other: string): void;
  /** The election service forgets the host, which does not know yet. */
  expireSession(host: string): void;
  skewWall(host: string, byMs: number): void;
  /** The journal's storage takes no writes, or takes them again. */
  journalWrites(taken: boolean): void;
  /** The election service does not answer, or answers again. */
  electionAnswers(answers: boolean): void;
}

type Fault = (plan: FaultPlan) => void;

export class FaultPlan {
  readonly counts = new Map<string, number>();
  readonly #world: Breakable;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #perEvent: number;
  readonly #kinds: readonly (readonly [name: string, fault: Fault])[];
  #mended = false;

  /** @param only the faults that there are; all by default. */
  constructor(world: Breakable, time: VirtualTime, random: SeededRandom, only?: readonly FaultName[]) {
    this.#world = world;
    this.#time = time;
    this.#random = random;
    // Some worlds are calm, some are never quite up.
    this.#perEvent = random.between(1 / 6_000, 1 / 300);
    const all = Object.entries(FAULTS).filter(([name]) => only?.includes(name as FaultName) ?? true);
    const kinds = all.filter(() => random.chance(0.6));
    this.#kinds = kinds.length === 0 ? all : kinds;
  }

  /** Perhaps something breaks now. */
  beforeEvent(): void {
    if (this.#mended || !this.#random.chance(this.#perEvent)) return;
    const [name, fault] = this.#random.pick(this.#kinds);
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#time.note(`fault ${name}`);
    fault(this);
  }

  /** No fault from now on; what is broken is mended. */
  mend(): void {
    this.#mended = true;
    const { masters, clients } = this.#world;
    const hosts = [...masters, ...clients];
    this.#world.journalWrites(true);
    this.#world.electionAnswers(true);
    for (const host of hosts) {
      for (const other of hosts) if (host < other) this.#world.heal(host, other);
      this.#world.resume(host);
      this.#world.restart(host);
    }
  }

  get world(): Breakable {
    return this.#world;
  }

  get random(): SeededRandom {
    return this.#random;
  }

  /** A master, the leader more often than not. */
  master(): string {
    const leader = this.#world.leader();
    return leader !== undefined && this.#random.chance(0.6) ? leader : this.#random.pick(this.#world.masters);
  }

  /** Ends a fault after a while, unless all were ended before. */
  later(fromMs: number, toMs: number, fn: () => void): void {
    this.#time.setTimer(this.#random.between(fromMs, toMs), () => this.#mended || fn(), 'mend');
  }
}

const FAULTS = {
  'kill a master': (plan) => {
    const host = plan.master();
    plan.world.kill(host);
    if (plan.random.chance(0.1)) plan.world.wipe(host);
    plan.later(1, 5_000, () => plan.world.restart(host));
  },
  'stop a master': (plan) => plan.world.stop(plan.master()),
  'hand the lead over': (plan) => plan.world.transfer(plan.random.chance(0.7) ? plan.random.pick(plan.world.masters) : undefined),
  'hand the lead over, and break something': (plan) => {
    const { masters } = plan.world;
    const target = plan.random.pick(masters);
    const victim = plan.random.chance(0.5) ? target : plan.master();
    plan.world.transfer(target);
    plan.later(0.1, plan.random.pick([2, 20, 200]), () => {
      if (plan.random.chance(0.5)) {
        plan.world.kill(victim);
        plan.later(1, 5_000, () => plan.world.restart(victim));
      } else {
        plan.world.pause(victim);
        plan.later(1, 6_000, () => plan.world.resume(victim));
      }
    });
  },
  'kill a client': (plan) => {
    const host = plan.random.pick(plan.world.clients);
    plan.world.kill(host);
    plan.later(1, 1_000, () => plan.world.restart(host));
  },
  'pause a master': (plan) => {
    const host = plan.master();
    plan.world.pause(host);
    plan.later(1, 12_000, () => plan.world.resume(host));
  },
  'pause a client': (plan) => {
    const host = plan.random.pick(plan.world.clients);
    plan.world.pause(host);
    plan.later(1, 5_000, () => plan.world.resume(host));
  },
  "cut a master's power": (plan) => {
    const host = plan.master();
    plan.world.vanish(host);
    plan.later(1, 8_000, () => plan.world.restart(host));
  },
  'cut all power': (plan) => {
    plan.world.powerCut();
    for (const host of [...plan.world.masters, ...plan.world.clients]) plan.later(1, 3_000, () => plan.world.restart(host));
  },
  'cut two hosts apart': (plan) => {
    const one = plan.master();
    const other = plan.random.pick([...plan.world.masters, ...plan.world.clients].filter((host) => host !== one));
    plan.world.cut(one, other);
    plan.later(1, 8_000, () => plan.world.heal(one, other));
  },
  'fail the journal': (plan) => {
    plan.world.journalWrites(false);
    plan.later(1, 4_000, () => plan.world.journalWrites(true));
  },
  'stop the election service': (plan) => {
    plan.world.electionAnswers(false);
    plan.later(10, 10_000, () => plan.world.electionAnswers(true));
  },
  'expire a session': (plan) => plan.world.expireSession(plan.master()),
  'jump a clock': (plan) => plan.world.skewWall(plan.master(), (plan.random.float() - 0.5) * plan.random.between(10, 10_000_000)),
  'replace a master': (plan) => {
    const host = plan.master();
    plan.world.kill(host);
    plan.world.wipe(host);
    plan.later(1, 1_000, () => plan.world.restart(host));
  },
  'strand the leader with a client': (plan) => {
    const { masters, clients } = plan.world;
    const stranded = [plan.world.leader() ?? plan.random.pick(masters), plan.random.pick(clients)];
    const others = [...masters, ...clients].filter((host) => !stranded.includes(host));
    const pairs = stranded.flatMap((one) => others.map((other) => [one, other] as const));
    for (const [one, other] of pairs) plan.world.cut(one, other);
    plan.world.expireSession(stranded[0] ?? '');
    plan.later(1, 8_000, () => {
      for (const [one, other] of pairs) plan.world.heal(one, other);
    });
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
