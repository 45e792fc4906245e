/**
 * One end of a connection of the memory network: what it writes arrives at its other end after the latency, in order, as long as the path
 * passes and the other end reads.
 */
import type { Clock } from '../base/clock.js';
import type { ByteStream, StreamEvents } from './network.js';

/** What an end knows of the network. */
export interface Path {
  readonly address: string;
  readonly host: string;
  readonly peer: string;
  latencyMs(bytes: number): number;
  /** Whether bytes get to the other host now. */
  passes(): boolean;
  /** This end is gone. */
  closed(): void;
}

interface Packet {
  readonly type: 'data' | 'end' | 'reset';
  readonly chunk: Uint8Array;
  readonly atMs: number;
}

const NO_BYTES = new Uint8Array(0);

export class MemoryStream implements ByteStream {
  readonly #clock: Clock;
  readonly #path: Path;
  #other: MemoryStream | undefined;
  #events: StreamEvents | undefined;
  #packets: Packet[] = [];
  #buffered = 0;
  #lastAtMs = 0;
  #scheduled = false;
  #paused = false;
  /** Nothing that is written arrives ever. */
  #stranded = false;
  /** No more is written; the end was delivered; the other's end was received; nothing happens any more. */
  #ending = false;
  #endArrived = false;
  #endReceived = false;
  #closed = false;

  constructor(clock: Clock, path: Path) {
    this.#clock = clock;
    this.#path = path;
  }

  get address(): string {
    return this.#path.address;
  }

  get host(): string {
    return this.#path.host;
  }

  get peer(): string {
    return this.#path.peer;
  }

  get bufferedBytes(): number {
    return this.#buffered;
  }

  join(other: MemoryStream): void {
    this.#other = other;
  }

  listen(events: StreamEvents): void {
    this.#events = events;
    this.#other?.pump();
  }

  write(chunk: Uint8Array, left?: () => void): void {
    if (this.#ending || this.#closed || chunk.length === 0) return;
    this.#buffered += chunk.length;
    this.#send('data', new Uint8Array(chunk));
    left?.();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#other?.pump();
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#send('end', NO_BYTES);
  }

  destroy(): void {
    if (this.#closed) return;
    this.#packets = [];
    this.#buffered = 0;
    this.#send('reset', NO_BYTES);
    this.#close();
  }

  /** Its owner hears nothing any more. */
  silence(): void {
    this.#events = { data() {}, lent() {}, drained() {}, closed() {} };
  }

  /** Gone without a word to the other end. */
  forsake(): void {
    this.#packets = [];
    this.#buffered = 0;
    this.#close();
  }

  /** The path has forgotten this connection: what is written is lost from now on. */
  strand(): void {
    this.#stranded = true;
  }

  /** Whether `host` accepted this connection and no program of it has heard of it. */
  isUnheard(host: string): boolean {
    return this.host === host && this.#events === undefined;
  }

  /** Delivers what is due, and sees to the rest. */
  pump(): void {
    const first = this.#packets[0];
    if (first === undefined || this.#scheduled || !this.#passes() || !this.#other?.takes(first)) return;
    this.#scheduled = true;
    const delayMs = first.atMs - this.#clock.monotonicMs();
    const deliver = () => {
      this.#scheduled = false;
      this.#deliver();
    };
    if (delayMs > 0) this.#clock.setTimer(delayMs, deliver);
    else this.#clock.defer(deliver);
  }

  /** Whether this end can be given `packet` now: one that does not read still hears of a reset. */
  takes(packet: Packet): boolean {
    return this.#closed || packet.type === 'reset' || (!this.#paused && this.#events !== undefined);
  }

  #passes(): boolean {
    return !this.#stranded && this.#path.passes();
  }

  #send(type: Packet['type'], chunk: Uint8Array): void {
    this.#lastAtMs = Math.max(this.#lastAtMs, this.#clock.monotonicMs() + this.#path.latencyMs(chunk.length));
    this.#packets.push({ type, chunk, atMs: this.#lastAtMs });
    this.pump();
  }

  #deliver(): void {
    const nowMs = this.#clock.monotonicMs();
    for (;;) {
      const packet = this.#packets[0];
      if (packet === undefined || packet.atMs > nowMs || !this.#passes() || !this.#other?.takes(packet)) break;
      this.#packets.shift();
      this.#buffered -= packet.chunk.length;
      this.#other.#arrived(packet);
      if (packet.type === 'end') {
        this.#endArrived = true;
        this.#closeIfEnded();
      } else if (this.#buffered === 0 && packet.type === 'data' && !this.#closed) this.#events?.drained();
    }
    this.pump();
  }

  #arrived(packet: Packet): void {
    if (this.#closed) {
      // Nobody is here for it.
      if (packet.type !== 'reset') this.#other?.reset();
    } else if (packet.type === 'data') this.#events?.data(packet.chunk);
    else if (packet.type === 'reset') this.reset();
    else {
      this.#endReceived = true;
      this.end();
      this.#closeIfEnded();
    }
  }

  /** The other end is gone: nothing more can be delivered. */
  reset(): void {
    if (this.#closed) return;
    this.#packets = [];
    this.#buffered = 0;
    this.#close(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  #closeIfEnded(): void {
    if (this.#endArrived && this.#endReceived && !this.#closed) this.#close();
  }

  #close(error?: Error): void {
    this.#closed = true;
    this.#path.closed();
    this.#clock.defer(() => this.#events?.closed(error));
  }
}
