/**
 * What happens to processes, to the hosts that they run on, and to their disks and clocks.
 */
import type { Fault, FaultContext } from './fault.js';

export const PROCESS_FAULTS = {
  'kill a master': (fault) => {
    const host = fault.master();
    fault.world.kill(host);
    if (fault.random.chance(0.1)) fault.world.wipe(host);
    fault.later(1, 5_000, () => fault.world.restart(host));
  },
  'kill all masters': (fault) => {
    for (const host of fault.world.masters) {
      fault.world.kill(host);
      fault.later(1, 3_000, () => fault.world.restart(host));
    }
  },
  'stop a master': (fault) => fault.world.stop(fault.master()),
  'stop one master after the other': (fault) => {
    const { masters } = fault.world;
    const eachMs = fault.random.between(100, 3_000);
    for (const [at, host] of masters.entries()) fault.later(eachMs * at + 1, eachMs * (at + 1), () => fault.world.stop(host));
  },
  'fail a start half way': (fault) => {
    const host = fault.master();
    fault.world.kill(host);
    if (fault.random.chance(0.2)) fault.world.wipe(host);
    let tries = 1 + fault.random.below(5);
    const start = () => {
      fault.world.restart(host);
      if (tries-- > 0)
        fault.later(0.01, 100, () => {
          fault.world.kill(host);
          start();
        });
    };
    fault.later(0.1, 100, start);
  },
  'hand the lead over': (fault) => fault.world.transfer(fault.random.chance(0.7) ? fault.random.pick(fault.world.masters) : undefined),
  'hand the lead over, and break something': (fault) => {
    const target = fault.random.pick(fault.world.masters);
    const victim = fault.random.chance(0.5) ? target : fault.master();
    fault.world.transfer(target);
    fault.later(0.1, fault.random.pick([2, 20, 200]), () => {
      if (fault.random.chance(0.5)) {
        fault.world.kill(victim);
        fault.later(1, 5_000, () => fault.world.restart(victim));
      } else pauseFor(fault, victim, 6_000);
    });
  },
  'kill a client': (fault) => {
    const host = fault.random.pick(fault.world.clients);
    fault.world.kill(host);
    fault.later(1, 1_000, () => fault.world.restart(host));
  },
  'pause a master': (fault) => pauseFor(fault, fault.master(), 12_000),
  'pause all masters': (fault) => {
    for (const host of fault.world.masters) pauseFor(fault, host, 8_000);
  },
  'pause a client': (fault) => pauseFor(fault, fault.random.pick(fault.world.clients), 5_000),
  'stutter a master': (fault) => {
    const host = fault.master();
    for (let pauses = 2 + fault.random.below(20); pauses > 0; pauses--)
      fault.later(0.01, 1_000, () => {
        fault.world.pause(host);
        fault.later(0.01, 50, () => fault.world.resume(host));
      });
  },
  "cut a master's power": (fault) => {
    const host = fault.master();
    fault.world.vanish(host);
    fault.later(1, 8_000, () => fault.world.restart(host));
  },
  'cut all power': (fault) => cutAllPower(fault),
  'cut all power amid a write to the journal': (fault) => fault.world.journal.amidWrite(fault.random, () => cutAllPower(fault)),
  'replace a master': (fault) => whileDown(fault, 1_000, (host) => fault.world.wipe(host)),
  'jump a clock': (fault) => {
    const host = fault.master();
    const byMs = (fault.random.chance(0.5) ? 1 : -1) * fault.random.between(10, 10_000_000);
    fault.world.skewWall(host, byMs);
    // A clock that was put right again.
    if (fault.random.chance(0.3)) fault.later(10, 4_000, () => fault.world.skewWall(host, -byMs));
  },
  'drift a clock': (fault) => {
    const off = (most: number) => 1 + (fault.random.chance(0.5) ? 1 : -1) * fault.random.between(1e-5, most);
    fault.world.drift(fault.random.pick(fault.world.masters), { wall: off(0.1), monotonic: off(0.02) });
  },
  'fill a disk': (fault) => {
    const host = fault.master();
    fault.world.diskTakes(host, false);
    fault.later(1, 6_000, () => fault.world.diskTakes(host, true));
  },
  'slow a disk': (fault) => {
    const host = fault.master();
    fault.world.slowDisk(host, fault.random.between(2, 200));
    fault.later(10, 6_000, () => fault.world.slowDisk(host, 1));
  },
  'restore an old disk': (fault) => {
    const host = fault.master();
    const restore = fault.world.imageOfDisk(host);
    fault.later(10, 5_000, () => {
      fault.world.kill(host);
      restore();
      fault.later(1, 500, () => fault.world.restart(host));
    });
  },
  'lose a write of a disk': (fault) => whileDown(fault, 1_000, (host) => fault.world.damageDisk(host, 'write', fault.random)),
  'lose a row of a disk': (fault) => whileDown(fault, 1_000, (host) => fault.world.damageDisk(host, 'row', fault.random)),
} satisfies Record<string, Fault>;

function cutAllPower({ world, later }: FaultContext): void {
  world.powerCut();
  for (const host of [...world.masters, ...world.clients, ...world.workers]) later(1, 3_000, () => world.restart(host));
}

function pauseFor(fault: FaultContext, host: string, toMs: number): void {
  fault.world.pause(host);
  fault.later(1, toMs, () => fault.world.resume(host));
}

function whileDown(fault: FaultContext, toMs: number, work: (host: string) => void): void {
  const host = fault.master();
  fault.world.kill(host);
  work(host);
  fault.later(1, toMs, () => fault.world.restart(host));
}
