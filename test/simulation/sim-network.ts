/**
 * The network of a world: the memory network, and weather on its links. Each direction of each link has a latency of its own; weather makes
 * it long, uneven or narrow, or loses packets, which programs see as TCP shows it: nothing for a while, then all of it, in order.
 */
import { MemoryNetwork } from '../../src/rpc/memory-network.js';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualTime } from './virtual-time.js';
import type { Range } from './world-settings.js';

/** What comes on top of a link's own latency. */
export interface Weather {
  readonly delayMs?: Range;
  /** Chance that a packet is lost, again and again. */
  readonly loss?: number;
  readonly bytesPerMs?: number;
}

/** After so long TCP sends a packet again that was lost, and after twice as long each time that it is lost again. */
const RETRANSMIT_MS = 200;
const RETRANSMITS_MAX = 6;

export class SimNetwork extends MemoryNetwork {
  readonly #links: Links;

  constructor(time: VirtualTime, random: SeededRandom, networkMs: Range) {
    const links = new Links(time, random, networkMs);
    super(time, (from, to, bytes) => links.latencyMs(from, to, bytes));
    this.#links = links;
  }

  /** From now on it is so on the way from one host to the other; undefined: as it was. */
  weather(from: string, to: string, weather: Weather | undefined): void {
    this.#links.weather(from, to, weather);
  }

  /** All that was done to links and hosts is over; connections that were reset or stranded stay so. */
  mend(hosts: readonly string[]): void {
    this.#links.clear();
    for (const host of hosts) {
      this.welcome(host, undefined);
      this.heed(host);
      for (const other of hosts) if (host < other) this.heal(host, other);
    }
  }
}

class Links {
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #networkMs: Range;
  readonly #ranges = new Map<string, Range>();
  readonly #weather = new Map<string, Weather & { busyUntilMs: number }>();

  constructor(time: VirtualTime, random: SeededRandom, networkMs: Range) {
    this.#time = time;
    this.#random = random;
    this.#networkMs = networkMs;
  }

  weather(from: string, to: string, weather: Weather | undefined): void {
    if (weather === undefined) this.#weather.delete(`${from} ${to}`);
    else this.#weather.set(`${from} ${to}`, { ...weather, busyUntilMs: 0 });
  }

  clear(): void {
    this.#weather.clear();
  }

  latencyMs(from: string, to: string, bytes: number): number {
    const link = `${from} ${to}`;
    const range = this.#ranges.get(link) ?? this.#drawRange(link);
    const weather = this.#weather.get(link);
    const usualMs = this.#random.between(...range);
    if (weather === undefined) return usualMs;
    const { delayMs, loss, bytesPerMs } = weather;
    let ms = usualMs + (delayMs === undefined ? 0 : this.#random.between(...delayMs));
    if (loss !== undefined)
      for (let tries = 0; tries < RETRANSMITS_MAX && this.#random.chance(loss); tries++) ms += RETRANSMIT_MS * 2 ** tries;
    if (bytesPerMs === undefined) return ms;
    weather.busyUntilMs = Math.max(weather.busyUntilMs, this.#time.monotonicMs()) + bytes / bytesPerMs;
    return ms + weather.busyUntilMs - this.#time.monotonicMs();
  }

  #drawRange(link: string): Range {
    const random = this.#random.fork(link);
    const [low, high] = this.#networkMs;
    const quickest = random.between(low, high);
    const range: Range = [quickest, random.between(quickest, high)];
    this.#ranges.set(link, range);
    return range;
  }
}
