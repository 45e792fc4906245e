/**
 * Every kind of fault that there is, by its name: a world's settings say which are on.
 */
import type { Fault } from './fault.js';

export const FAULTS = {
  'kill a master': (fault) => {
    const host = fault.master();
    fault.world.kill(host);
    if (fault.random.chance(0.1)) fault.world.wipe(host);
    fault.later(1, 5_000, () => fault.world.restart(host));
  },
  'stop a master': (fault) => fault.world.stop(fault.master()),
  'hand the lead over': (fault) => fault.world.transfer(fault.random.chance(0.7) ? fault.random.pick(fault.world.masters) : undefined),
  'hand the lead over, and break something': (fault) => {
    const { masters } = fault.world;
    const target = fault.random.pick(masters);
    const victim = fault.random.chance(0.5) ? target : fault.master();
    fault.world.transfer(target);
    fault.later(0.1, fault.random.pick([2, 20, 200]), () => {
      if (fault.random.chance(0.5)) {
        fault.world.kill(victim);
        fault.later(1, 5_000, () => fault.world.restart(victim));
      } else {
        fault.world.pause(victim);
        fault.later(1, 6_000, () => fault.world.resume(victim));
      }
    });
  },
  'kill a client': (fault) => {
    const host = fault.random.pick(fault.world.clients);
    fault.world.kill(host);
    fault.later(1, 1_000, () => fault.world.restart(host));
  },
  'pause a master': (fault) => {
    const host = fault.master();
    fault.world.pause(host);
    fault.later(1, 12_000, () => fault.world.resume(host));
  },
  'pause a client': (fault) => {
    const host = fault.random.pick(fault.world.clients);
    fault.world.pause(host);
    fault.later(1, 5_000, () => fault.world.resume(host));
  },
  "cut a master's power": (fault) => {
    const host = fault.master();
    fault.world.vanish(host);
    fault.later(1, 8_000, () => fault.world.restart(host));
  },
  'cut all power': (fault) => {
    fault.world.powerCut();
    for (const host of [...fault.world.masters, ...fault.world.clients]) fault.later(1, 3_000, () => fault.world.restart(host));
  },
  'cut two hosts apart': (fault) => {
    const one = fault.master();
    const other = fault.random.pick([...fault.world.masters, ...fault.world.clients].filter((host) => host !== one));
    fault.world.cut(one, other);
    fault.later(1, 8_000, () => fault.world.heal(one, other));
  },
  'fail the journal': (fault) => {
    fault.world.journalWrites(false);
    fault.later(1, 4_000, () => fault.world.journalWrites(true));
  },
  'stop the election service': (fault) => {
    fault.world.electionAnswers(false);
    fault.later(10, 10_000, () => fault.world.electionAnswers(true));
  },
  'expire a session': (fault) => fault.world.expireSession(fault.master()),
  'jump a clock': (fault) => fault.world.skewWall(fault.master(), (fault.random.float() - 0.5) * fault.random.between(10, 10_000_000)),
  'replace a master': (fault) => {
    const host = fault.master();
    fault.world.kill(host);
    fault.world.wipe(host);
    fault.later(1, 1_000, () => fault.world.restart(host));
  },
  'strand the leader with a client': (fault) => {
    const { masters, clients } = fault.world;
    const stranded = [fault.world.leader() ?? fault.random.pick(masters), fault.random.pick(clients)];
    const others = [...masters, ...clients].filter((host) => !stranded.includes(host));
    const pairs = stranded.flatMap((one) => others.map((other) => [one, other] as const));
    for (const [one, other] of pairs) fault.world.cut(one, other);
    fault.world.expireSession(stranded[0] ?? '');
    fault.later(1, 8_000, () => {
      for (const [one, other] of pairs) fault.world.heal(one, other);
    });
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];
