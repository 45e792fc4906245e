/**
 * A host of its own on a cable of its own: a network namespace, joined to this machine by a pair of virtual interfaces, that can be unplugged.
 * Needs root and iproute2, on Linux. Undone when this process ends, at the latest.
 */
import { execFileSync } from 'node:child_process';
import { undoneAtExit } from './undone-at-exit.js';

let made = 0;

export class NetworkHost {
  /** Its address, and this machine's on the same cable. */
  readonly address: string;
  readonly gateway: string;
  /** Runs a program there. */
  readonly wrapper: readonly string[];
  /** Idempotent. */
  readonly close: () => void;
  readonly #interface: string;

  constructor() {
    const number = (process.pid + 251 * made++) % 65_536;
    const name = `understudy-${number}`;
    const [outside, inside] = [`us${number}o`, `us${number}i`];
    const network = `10.${200 + (number >> 14)}.${(number >> 6) & 255}`;
    const first = (number & 63) * 4;
    this.gateway = `${network}.${first + 1}`;
    this.address = `${network}.${first + 2}`;
    this.wrapper = ['ip', 'netns', 'exec', name];
    this.#interface = outside;
    ip('netns', 'add', name);
    this.close = undoneAtExit(() => ip('netns', 'delete', name));
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', name);
    ip('addr', 'add', `${this.gateway}/30`, 'dev', outside);
    ip('link', 'set', outside, 'up');
    ip('-n', name, 'addr', 'add', `${this.address}/30`, 'dev', inside);
    ip('-n', name, 'link', 'set', inside, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }

  /** Nothing passes any more, in either direction, and nobody is told. */
  unplug(): void {
    ip('link', 'set', this.#interface, 'down');
  }

  plug(): void {
    ip('link', 'set', this.#interface, 'up');
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args);
}
