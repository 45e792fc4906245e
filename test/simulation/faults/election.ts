/**
 * What election services do. They only say who should lead, so nothing here may cost more than time.
 */
import type { Fault } from './fault.js';

export const ELECTION_FAULTS = {
  'expire a session': (fault) => fault.world.election.expire(fault.master(), fault.random.chance(0.3) ? 'at once' : 'late'),
  'expire a session, and never say so': (fault) => fault.world.election.expire(fault.master(), 'never'),
  'stop the election service': (fault) => {
    fault.world.election.stop();
    fault.later(10, 10_000, () => fault.world.election.start());
  },
  'stop the election service, and lose its sessions': (fault) => {
    fault.world.election.stop();
    fault.later(1, 10_000, () => fault.world.election.start({ forgets: true }));
  },
  'cut a host from the election': (fault) => {
    const { masters, clients, election } = fault.world;
    const host = fault.random.chance(0.8) ? fault.master() : fault.random.pick([...masters, ...clients]);
    election.cut(host);
    fault.later(1, 12_000, () => election.heal(host));
  },
  'stale leader records': (fault) => {
    const { masters, clients, election } = fault.world;
    const hosts = [...masters, ...clients].filter(() => fault.random.chance(0.6));
    for (const host of hosts) election.freeze(host);
    fault.later(10, 8_000, () => {
      for (const host of hosts) election.thaw(host);
    });
  },
  'late answers of the election': (fault) => {
    const { election } = fault.world;
    election.slow(fault.random.between(5, 3_000));
    fault.later(10, 6_000, () => election.slow(0));
  },
} satisfies Record<string, Fault>;
