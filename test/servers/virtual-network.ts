/**
 * Hosts of their own on a switch of their own: network namespaces that reach each other and this machine, between any two of which the traffic can
 * be cut, in one direction or both, or made slow. Needs root, iproute2 and nftables, on Linux.
 *
 * The switch is in a name space too, so that nothing that filters this machine's traffic (Docker's rules) touches theirs. Names and addresses come
 * from this process's id: networks of several processes live side by side. All of it is gone with `close`, or when this process ends; what a killed
 * one left, the next removes.
 */
import { execFileSync } from 'node:child_process';
import type { ServerHost } from './server-program.js';
import { isOwnerGone, undoneAtExit } from './undone-at-exit.js';

const PREFIX = 'understudy-net-';
const SUBNETS = 100 * 256;
let made = 0;

/** `drop`: silence. `reject`: a reset for what is sent by TCP. */
export type Cut = 'drop' | 'reject';

export class VirtualNetwork {
  /** This machine's address in it; never cut off. */
  readonly gateway: string;
  /** Idempotent. */
  readonly close: () => void;
  readonly #number = ++made;
  readonly #namespaces: string[] = [];
  readonly #switch: string;
  readonly #subnet: string;
  #hosts = 0;

  constructor() {
    removeLeftOvers();
    this.#subnet = freeSubnet();
    this.gateway = `${this.#subnet}.254`;
    this.close = undoneAtExit(() => {
      for (const name of this.#namespaces.splice(0).reverse()) ip('netns', 'delete', name);
    });
    this.#switch = this.#addNamespace('switch');
    ip('-n', this.#switch, 'link', 'add', 'switch', 'type', 'bridge');
    ip('-n', this.#switch, 'link', 'set', 'dev', 'switch', 'up');
    const outside = `usn${process.pid}n${this.#number}`;
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'gateway', 'netns', this.#switch);
    ip('addr', 'add', `${this.gateway}/24`, 'dev', outside);
    ip('link', 'set', 'dev', outside, 'up');
    this.#plug('gateway');
  }

  addHost(name: string): VirtualHost {
    return this.addHosts(name, 1)[0] as VirtualHost;
  }

  /** Hosts that are one to who runs a program there, with an address each: for clients of one process. @param name of at most 10 characters. */
  addHosts(name: string, count: number): readonly VirtualHost[] {
    const namespace = this.#addNamespace(name);
    ip('-n', namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', name, 'netns', this.#switch);
    const filter = new Filter(namespace);
    const hosts = Array.from({ length: count }, () => {
      this.#hosts += 1;
      const address = `${this.#subnet}.${this.#hosts}`;
      ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      return new VirtualHost(address, namespace, filter);
    });
    for (const device of ['eth0', 'lo']) ip('-n', namespace, 'link', 'set', 'dev', device, 'up');
    this.#plug(name);
    return hosts;
  }

  #addNamespace(name: string): string {
    const namespace = `${PREFIX}${process.pid}-${this.#number}-${name}`;
    ip('netns', 'add', namespace);
    this.#namespaces.push(namespace);
    return namespace;
  }

  #plug(device: string): void {
    ip('-n', this.#switch, 'link', 'set', 'dev', device, 'master', 'switch', 'up');
  }
}

export class VirtualHost implements ServerHost {
  readonly address: string;
  readonly wrapper: readonly string[];
  readonly #namespace: string;
  readonly #filter: Filter;

  constructor(address: string, namespace: string, filter: Filter) {
    this.address = address;
    this.#namespace = namespace;
    this.#filter = filter;
    // Not "ip netns exec", which would hide what is mounted there.
    this.wrapper = ['nsenter', `--net=/run/netns/${namespace}`];
  }

  /** Nothing that `others` send arrives here, until what this returns is called. */
  deafTo(others: readonly VirtualHost[], how: Cut): () => void {
    return this.#filter.add(others.map((other) => ({ from: other.address, to: this.address, how })));
  }

  /** What it sends leaves at `kilobits` a second, and waits in line, until what this returns is called. */
  slowDown(kilobits: number): () => void {
    const discipline = (...words: string[]) => execFileSync('tc', ['-n', this.#namespace, 'qdisc', ...words]);
    discipline('replace', 'dev', 'eth0', 'root', 'tbf', 'rate', `${kilobits}kbit`, 'burst', '4kb', 'latency', '1s');
    return () => discipline('delete', 'dev', 'eth0', 'root');
  }
}

interface Rule {
  readonly from: string;
  readonly to: string;
  readonly how: Cut;
}

/** What does not come into a name space. */
class Filter {
  readonly #namespace: string;
  readonly #rules = new Set<Rule>();

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** @returns what takes them away again. */
  add(rules: readonly Rule[]): () => void {
    for (const rule of rules) this.#rules.add(rule);
    this.#apply();
    return () => {
      for (const rule of rules) this.#rules.delete(rule);
      this.#apply();
    };
  }

  #apply(): void {
    // A reset passes: it may be the other side's answer to what it rejects itself.
    const verdict = { drop: 'drop', reject: 'tcp flags & rst == 0 reject with tcp reset' };
    const rules = [...this.#rules].map(({ from, to, how }) => `ip saddr ${from} ip daddr ${to} ${verdict[how]}\n`).join('');
    const table = `table ip cuts\ndelete table ip cuts\ntable ip cuts {\nchain in {\ntype filter hook input priority 0\n${rules}}\n}\n`;
    execFileSync('ip', ['netns', 'exec', this.#namespace, 'nft', '-f', '-'], { input: table, stdio: ['pipe', 'ignore', 'pipe'] });
  }
}

/** Cuts what `from` sends to `to`. @returns what mends it. */
export function cut(from: readonly VirtualHost[], to: readonly VirtualHost[], how: Cut): () => void {
  const mends = to.map((host) =>
    host.deafTo(
      from.filter((one) => one !== host),
      how,
    ),
  );
  return () => {
    for (const mend of mends) mend();
  };
}

function freeSubnet(): string {
  const taken = ip('-o', '-4', 'addr', 'show');
  for (let tries = 0; tries < SUBNETS; tries++) {
    const number = (process.pid + tries) % SUBNETS;
    const subnet = `10.${100 + (number >> 8)}.${number & 255}`;
    if (!taken.includes(`inet ${subnet}.`)) return subnet;
  }
  throw new Error('no subnet is free');
}

function removeLeftOvers(): void {
  for (const line of ip('netns', 'list').split('\n')) {
    const [name = ''] = line.split(' ');
    if (isOwnerGone(name, PREFIX)) ip('netns', 'delete', name);
  }
}

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
