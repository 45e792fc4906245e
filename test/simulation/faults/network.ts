/**
 * What networks do: between any two hosts, between groups of them, in one direction and in both.
 */
import type { Weather } from '../sim-network.js';
import type { Fault, FaultContext } from './fault.js';

export const NETWORK_FAULTS = {
  'cut two hosts apart': (fault) => {
    const [one, other] = twoHosts(fault);
    fault.world.network.cut(one, other);
    fault.later(1, 8_000, () => fault.world.network.heal(one, other));
  },
  'cut one way': (fault) => {
    const pair = twoHosts(fault);
    const [from, to] = fault.random.chance(0.5) ? pair : [pair[1], pair[0]];
    fault.world.network.cutOneWay(from, to);
    fault.later(1, 8_000, () => fault.world.network.heal(from, to));
  },
  'split the hosts': (fault) => {
    const hosts = allHosts(fault);
    const ours = hosts.filter(() => fault.random.chance(0.5));
    const pairs = ours.flatMap((one) => hosts.filter((host) => !ours.includes(host)).map((other) => [one, other] as const));
    const oneWay = fault.random.chance(0.3);
    for (const [one, other] of pairs) {
      if (oneWay) fault.world.network.cutOneWay(one, other);
      else fault.world.network.cut(one, other);
    }
    fault.later(1, 8_000, () => {
      for (const [one, other] of pairs) fault.world.network.heal(one, other);
    });
  },
  'slow a link': (fault) => {
    const slowest = fault.random.between(5, 2_000);
    // Long ones are rare: `between` has as many from 1 to 10 as from 100 to 1000.
    weather(fault, { delayMs: [fault.random.between(0.1, slowest), slowest] });
  },
  'lose packets': (fault) => weather(fault, { loss: fault.random.between(0.005, 0.6) }),
  'narrow a link': (fault) => weather(fault, { bytesPerMs: fault.random.between(1, 200) }),
  'reset connections': (fault) => fault.world.network.reset(...twoHosts(fault)),
  'half-open connections': (fault) => {
    const pair = twoHosts(fault);
    const [told, untold] = fault.random.chance(0.5) ? pair : [pair[1], pair[0]];
    fault.world.network.halfOpen(told, untold);
  },
  'strand connections': (fault) => fault.world.network.strand(...twoHosts(fault)),
  'refuse connections': (fault) => {
    const host = fault.master();
    fault.world.network.welcome(host, 'refused');
    // Who is connected learns of it only when that ends.
    if (fault.random.chance(0.7)) fault.world.network.killConnections(host);
    fault.later(1, 5_000, () => fault.world.network.welcome(host, undefined));
  },
  'accept and say nothing': (fault) => {
    const host = fault.master();
    fault.world.network.welcome(host, 'silent');
    if (fault.random.chance(0.7)) fault.world.network.killConnections(host);
    fault.later(1, 5_000, () => fault.world.network.welcome(host, undefined));
  },
  'read nothing': (fault) => {
    const host = fault.random.pick(allHosts(fault));
    fault.world.network.ignore(host);
    fault.later(1, 8_000, () => fault.world.network.heed(host));
  },
  'strand the leader with a client': (fault) => {
    const { masters, clients, network } = fault.world;
    const stranded = [fault.world.leader() ?? fault.random.pick(masters), fault.random.pick(clients)];
    const others = [...masters, ...clients].filter((host) => !stranded.includes(host));
    const pairs = stranded.flatMap((one) => others.map((other) => [one, other] as const));
    for (const [one, other] of pairs) network.cut(one, other);
    fault.world.election.expire(stranded[0] ?? '', 'late');
    fault.later(1, 8_000, () => {
      for (const [one, other] of pairs) network.heal(one, other);
    });
  },
} satisfies Record<string, Fault>;

function allHosts({ world }: FaultContext): readonly string[] {
  return [...world.masters, ...world.clients, ...world.workers];
}

function twoHosts(fault: FaultContext): readonly [string, string] {
  const one = fault.master();
  return [one, fault.random.pick(allHosts(fault).filter((host) => host !== one))];
}

/** On the way between two hosts, or on every way of one. */
function weather(fault: FaultContext, what: Weather): void {
  const [one, other] = twoHosts(fault);
  const others = fault.random.chance(0.3) ? allHosts(fault).filter((host) => host !== one) : [other];
  const ways = others.flatMap((host): [string, string][] =>
    fault.random.chance(0.5)
      ? [
          [one, host],
          [host, one],
        ]
      : [[one, host]],
  );
  for (const [from, to] of ways) fault.world.network.weather(from, to, what);
  fault.later(10, 6_000, () => {
    for (const [from, to] of ways) fault.world.network.weather(from, to, undefined);
  });
}
