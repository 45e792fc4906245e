/**
 * The network of tests and simulations: hosts in one process, every byte carried by the injected clock, nothing else decides order.
 *
 * It behaves as TCP does where programs can tell: bytes arrive in order or not at all; a cut, in one direction or both, delays them until it
 * heals, and says nothing; a killed process is told to its peers by a reset; a host that vanished is not, until it is back and its peers'
 * bytes reach nobody. What a packet filter, a full backlog or a program that does not read can do to connections is there as well.
 */
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import { MemoryStream } from './memory-stream.js';
import type { ByteStream, Listener, Network } from './network.js';

/** How long so many bytes take from one host to another; 0 bytes for a connection being made. */
type Latency = (from: string, to: string, bytes: number) => number;

/** What connecting to a host comes to: a refusal, or a connection that its program never hears of. */
export type Welcome = 'refused' | 'silent';

const FIRST_FREE_PORT = 40_000;

export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #latencyMs: Latency;
  readonly #listeners = new Map<string, (stream: ByteStream) => void>();
  readonly #streams = new Set<MemoryStream>();
  /** Directions in which nothing passes. */
  readonly #cuts = new Set<string>();
  readonly #vanished = new Set<string>();
  /** Hosts whose programs read nothing. */
  readonly #deaf = new Set<string>();
  readonly #welcomes = new Map<string, Welcome>();
  /** Tries again what a cut or a vanished host holds up. */
  readonly #heldUp = new Set<() => void>();
  #lastPort = FIRST_FREE_PORT;

  /** `latencyMs` is asked for each write; order within a direction of a connection is kept whatever it says. */
  constructor(clock: Clock, latencyMs: Latency = () => 0) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
  }

  /** @returns the network as the host `name` has it; its addresses are `name:port`. */
  host(name: string): Network {
    return {
      connect: (address, signal) => this.#connect(name, address, signal),
      listen: async (address, accept) => this.#listen(name, address, accept),
    };
  }

  /** Nothing passes between the two hosts, in either direction, until `heal`. */
  cut(one: string, other: string): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** Nothing passes from one host to the other until `heal`; no connection is made between them. */
  cutOneWay(from: string, to: string): void {
    this.#cuts.add(direction(from, to));
  }

  heal(one: string, other: string): void {
    this.#cuts.delete(direction(one, other));
    this.#cuts.delete(direction(other, one));
    this.#retry();
  }

  /** Programs on `host` read nothing, so that who writes to them feels it, until `heed`. Connections are still accepted. */
  ignore(host: string): void {
    this.#deaf.add(host);
  }

  heed(host: string): void {
    this.#deaf.delete(host);
    this.#retry();
  }

  /** What connecting to `host` comes to from now on; undefined: as its listeners have it. Connections that were made silently are reset then. */
  welcome(host: string, welcome: Welcome | undefined): void {
    if (welcome !== undefined) this.#welcomes.set(host, welcome);
    else if (this.#welcomes.delete(host)) for (const stream of [...this.#streams]) if (stream.isUnheard(host)) stream.destroy();
  }

  /** @returns the bytes that wait on that connection of `host` on which most do. */
  bufferedBytes(host: string): number {
    let most = 0;
    for (const stream of this.#streams) if (stream.host === host) most = Math.max(most, stream.bufferedBytes);
    return most;
  }

  /** Resets every connection of `host`; both ends are told, as far as they can be reached. Its listeners stay. */
  killConnections(host: string): void {
    for (const stream of [...this.#streams]) if (stream.host === host) stream.destroy();
  }

  /** Resets the connections between two hosts, as a router does that has had enough. */
  reset(one: string, other: string): void {
    for (const stream of this.#between(one, other)) stream.reset();
    for (const stream of this.#between(other, one)) stream.reset();
  }

  /** `host` loses its connections with `other`, which learns of it when it next writes. */
  halfOpen(host: string, other: string): void {
    for (const stream of this.#between(host, other)) stream.reset();
  }

  /** The connections that there are between two hosts carry nothing any more, and nobody is told; new ones do. */
  strand(one: string, other: string): void {
    for (const stream of [...this.#between(one, other), ...this.#between(other, one)]) stream.strand();
  }

  #between(host: string, other: string): MemoryStream[] {
    return [...this.#streams].filter((stream) => stream.host === host && hostOf(stream.peer) === other);
  }

  /** The process on `host` dies: connections are reset, its own end hears nothing more, connecting is refused. */
  crash(host: string): void {
    this.#silence(host);
    this.killConnections(host);
  }

  /** The host loses power: as `crash`, but nobody is told, and connecting to it waits; until `appear`. */
  vanish(host: string): void {
    this.#vanished.add(host);
    this.#silence(host);
    for (const stream of [...this.#streams]) if (stream.host === host) stream.forsake();
  }

  /** The host is up again, with nothing listening and no connections: what old peers send is answered by a reset. */
  appear(host: string): void {
    this.#vanished.delete(host);
    this.#retry();
  }

  #silence(host: string): void {
    for (const address of [...this.#listeners.keys()]) if (hostOf(address) === host) this.#listeners.delete(address);
    for (const stream of this.#streams) if (stream.host === host) stream.silence();
  }

  #reachable(from: string, to: string): boolean {
    return !this.#cuts.has(direction(from, to)) && !this.#vanished.has(from) && !this.#vanished.has(to);
  }

  #retry(): void {
    const heldUp = [...this.#heldUp];
    this.#heldUp.clear();
    for (const again of heldUp) this.#after(0, again);
    for (const stream of this.#streams) stream.pump();
  }

  #after(delayMs: number, fn: () => void): void {
    if (delayMs > 0) this.#clock.setTimer(delayMs, fn);
    else this.#clock.defer(fn);
  }

  #listen(host: string, address: string, accept: (stream: ByteStream) => void): Listener {
    const failed = (why: string) => new UnderstudyError('failed_precondition', `cannot listen, ${why}: address=${address}`);
    if (hostOf(address) !== host) throw failed('not an address of this host');
    const bound = address.endsWith(':0') ? `${host}:${this.#freePort()}` : address;
    if (this.#listeners.has(bound)) throw failed('in use');
    this.#listeners.set(bound, accept);
    const close = async () => {
      if (this.#listeners.get(bound) === accept) this.#listeners.delete(bound);
    };
    return { address: bound, close };
  }

  #connect(host: string, address: string, signal: AbortSignal): Promise<ByteStream> {
    const target = hostOf(address);
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        signal.removeEventListener('abort', giveUp);
        this.#heldUp.delete(arrive);
        settle();
      };
      const giveUp = () => finish(() => reject(unavailable('not connected in time', address, signal.reason)));
      const arrive = () => {
        if (signal.aborted) return;
        if (!this.#reachable(host, target) || !this.#reachable(target, host)) {
          this.#heldUp.add(arrive);
          return;
        }
        const welcome = this.#welcomes.get(target);
        const accept = welcome === 'silent' ? () => {} : this.#listeners.get(address);
        const back = this.#latencyMs(target, host, 0);
        if (accept === undefined || welcome === 'refused') this.#after(back, () => finish(() => reject(refused(address))));
        else this.#meet({ host, address, accept, back }, signal, (stream) => finish(() => resolve(stream)));
      };
      if (signal.aborted) {
        giveUp();
        return;
      }
      signal.addEventListener('abort', giveUp, { once: true });
      this.#after(this.#latencyMs(host, target, 0), arrive);
    });
  }

  #meet(call: Meeting, signal: AbortSignal, connected: (stream: ByteStream) => void): void {
    const near = this.#stream(`${call.host}:${this.#freePort()}`, call.address);
    const far = this.#stream(call.address, near.address);
    near.join(far);
    far.join(near);
    call.accept(far);
    this.#after(call.back, () => {
      if (signal.aborted) near.destroy();
      else connected(near);
    });
  }

  #stream(address: string, peer: string): MemoryStream {
    const [from, to] = [hostOf(address), hostOf(peer)];
    const stream = new MemoryStream(this.#clock, {
      address,
      host: from,
      peer,
      latencyMs: (bytes) => this.#latencyMs(from, to, bytes),
      passes: () => this.#reachable(from, to) && !this.#deaf.has(to),
      closed: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    return stream;
  }

  #freePort(): number {
    this.#lastPort += 1;
    return this.#lastPort;
  }
}

interface Meeting {
  readonly host: string;
  readonly address: string;
  readonly accept: (stream: ByteStream) => void;
  /** Latency of the answer. */
  readonly back: number;
}

function hostOf(address: string): string {
  return address.slice(0, Math.max(0, address.lastIndexOf(':')));
}

function direction(from: string, to: string): string {
  return `${from} ${to}`;
}

function unavailable(message: string, address: string, cause: unknown): UnderstudyError {
  return new UnderstudyError('unavailable', `${message}: address=${address}`, { cause });
}

function refused(address: string): UnderstudyError {
  return unavailable('cannot connect', address, Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
}
