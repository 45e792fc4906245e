/**
 * One framed connection, as both sides have it: hello first, then frames; writes gathered per tick; liveness; bounds.
 *
 * - What a tick sends is gathered and written once, in pieces of about `WRITE_BYTES`. Large bodies and tails are written as they are, never copied.
 * - Time-outs are counted in sweeps, not read off a clock: a process that was stopped does not blame its peers when it wakes up.
 * - A peer costs no more than its bounds: no hello in time, garbage, a frame that dribbles in, silence, and bytes that it does not take
 *   each end the connection, with the reason in `closed`.
 */
import type { Clock, Timer } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import {
  bareFrame,
  FRAME_HEADER_BYTES,
  type Frame,
  FrameDecoder,
  frameBytes,
  HELLO_BYTES_MAX,
  type Hello,
  helloFrame,
  KIND,
  putHeader,
  readHello,
} from './frame.js';
import type { ByteStream } from './network.js';

/** Bounds that both sides have. A time-out is noticed up to a quarter of the shortest of them late. */
export interface LinkSettings {
  /** Largest frame taken, header included. */
  readonly frameBytesMax: number;
  /** Bytes waiting to be sent above which the link is congested: streams wait, and a server stops reading from it. */
  readonly outgoingBytesSoftMax: number;
  /** Bytes waiting to be sent above which the connection is closed (at a server) or calls are refused (at a client). */
  readonly outgoingBytesMax: number;
  /** From the connection to the peer's hello. */
  readonly handshakeTimeoutMs: number;
  /** From the first byte of a frame to its last. */
  readonly frameTimeoutMs: number;
  /** A congested link has to become empty within. */
  readonly stallTimeoutMs: number;
  /** A peer that was silent for so long is sent a ping. */
  readonly keepAliveIntervalMs: number;
  /** A peer that is silent for so long after the ping is gone. */
  readonly keepAliveTimeoutMs: number;
  /** What is still to be sent when the link is closed has to leave within. */
  readonly closeTimeoutMs: number;
}

export const LINK_DEFAULTS: LinkSettings = {
  frameBytesMax: 16 * 1024 * 1024,
  outgoingBytesSoftMax: 4 * 1024 * 1024,
  outgoingBytesMax: 64 * 1024 * 1024,
  handshakeTimeoutMs: 5_000,
  frameTimeoutMs: 30_000,
  stallTimeoutMs: 30_000,
  keepAliveIntervalMs: 5_000,
  keepAliveTimeoutMs: 5_000,
  closeTimeoutMs: 1_000,
};

/** What happens on a link. None of them is called before `open` has returned, nor after `closed`. */
export interface LinkEvents {
  /** The peer's hello, of whatever version; first, unless an error for the whole connection takes its place. @throws `invalid_argument` when it is none of ours. */
  hello(hello: Hello): void;
  /** Anything but hello, ping and pong. @throws `invalid_argument` when the peer breaks the protocol: the connection is closed with that. */
  frame(frame: Frame): void;
  /** `link.congested` has changed. */
  congestion(): void;
  /** The end, once, with the reason; undefined when it ended in good order. */
  closed(reason: UnderstudyError | undefined): void;
}

const WRITE_BYTES = 64 * 1024;
/** Bodies and tails from here on are written without being copied into the gathered bytes. */
const UNCOPIED_BYTES = 16 * 1024;
const SWEEPS_PER_TIMEOUT = 4;

type Phase = 'handshake' | 'open' | 'ending' | 'closed';

export class FrameLink {
  readonly #stream: ByteStream;
  readonly #settings: LinkSettings;
  readonly #clock: Clock;
  readonly #events: LinkEvents;
  readonly #decoder: FrameDecoder;
  readonly #sweepMs: number;
  #phase: Phase = 'handshake';
  #reason: UnderstudyError | undefined;
  #gathered: Frame[] = [];
  #gatheredBytes = 0;
  #flushScheduled = false;
  #congested = false;
  #paused = false;
  #timer: Timer;
  #heard = false;
  #greeted = false;
  #completedAtSweep = 0;
  /** How long each of these has lasted, by the sweeps. */
  #silentMs = 0;
  #partialMs = 0;
  #stalledMs = 0;
  #phaseMs = 0;

  constructor(stream: ByteStream, settings: LinkSettings, clock: Clock, events: LinkEvents) {
    this.#stream = stream;
    this.#settings = settings;
    this.#clock = clock;
    this.#events = events;
    this.#decoder = new FrameDecoder(HELLO_BYTES_MAX, (frame) => this.#received(frame));
    const { handshakeTimeoutMs, frameTimeoutMs, stallTimeoutMs, keepAliveIntervalMs, keepAliveTimeoutMs, closeTimeoutMs } = settings;
    const shortestMs = Math.min(
      handshakeTimeoutMs,
      frameTimeoutMs,
      stallTimeoutMs,
      keepAliveIntervalMs,
      keepAliveTimeoutMs,
      closeTimeoutMs,
    );
    this.#sweepMs = Math.max(1, Math.ceil(shortestMs / SWEEPS_PER_TIMEOUT));
    this.#timer = clock.setTimer(this.#sweepMs, () => this.#sweep());
    stream.listen({
      data: (chunk) => this.#data(chunk, false),
      lent: (chunk) => this.#data(chunk, true),
      drained: () => this.#drained(),
      closed: (error) => this.#closed(error),
    });
  }

  get peer(): string {
    return this.#stream.peer;
  }

  /** More is waiting to be sent than the soft bound; until all of it has left. */
  get congested(): boolean {
    return this.#congested;
  }

  /** The peer has said hello. */
  get greeted(): boolean {
    return this.#greeted;
  }

  get outgoingBytes(): number {
    return this.#gatheredBytes + this.#stream.bufferedBytes;
  }

  sendHello(hello: Hello): void {
    this.send(helloFrame(hello));
  }

  /** Sends `frame` with the others of this tick. Its body must not change any more. Does nothing once the link is closed. */
  send(frame: Frame): void {
    if (this.#phase === 'ending' || this.#phase === 'closed') return;
    this.#gathered.push(frame);
    this.#gatheredBytes += frameBytes(frame);
    if (this.#gatheredBytes >= WRITE_BYTES) {
      this.#flush();
      return;
    }
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#clock.defer(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  /** Stops and resumes reading. */
  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream.resume();
  }

  /** Sends what was gathered, then closes; what arrives meanwhile is dropped. */
  end(reason?: UnderstudyError): void {
    if (this.#phase === 'ending' || this.#phase === 'closed') return;
    this.#flush();
    if (this.#reason !== undefined) return;
    this.#phase = 'ending';
    this.#phaseMs = 0;
    this.#reason = reason;
    this.#decoder.stop();
    // The peer's end of the connection arrives behind what it sent.
    this.resume();
    this.#stream.end();
  }

  /** Closes at once. `closed` follows with `reason`, unless there is one already. */
  destroy(reason?: UnderstudyError): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'ending';
    this.#reason ??= reason;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#decoder.stop();
    this.#stream.destroy();
  }

  #data(chunk: Uint8Array, isLent: boolean): void {
    if (this.#phase === 'ending' || this.#phase === 'closed') return;
    this.#heard = true;
    try {
      this.#decoder.push(chunk, isLent);
    } catch (error) {
      if (!(error instanceof UnderstudyError)) throw error;
      this.destroy(error);
    }
  }

  #received(frame: Frame): void {
    if (this.#phase === 'handshake') {
      // A server that does not want the connection says why instead of hello.
      if (frame.kind === KIND.error && frame.callId === 0) {
        this.#events.frame(frame);
        return;
      }
      const hello = readHello(frame);
      this.#phase = 'open';
      this.#greeted = true;
      this.#decoder.frameBytesMax = this.#settings.frameBytesMax;
      this.#events.hello(hello);
      return;
    }
    if (frame.kind === KIND.ping) {
      this.send(bareFrame(KIND.pong, 0));
      return;
    }
    if (frame.kind === KIND.pong) return;
    if (frame.kind === KIND.hello) throw new UnderstudyError('invalid_argument', 'second hello on a connection');
    this.#events.frame(frame);
  }

  #flush(): void {
    const frames = this.#gathered;
    if (frames.length === 0) return;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    for (let from = 0; from < frames.length; ) from = this.#writeRun(frames, from);
    const bytes = this.#stream.bufferedBytes;
    if (bytes > this.#settings.outgoingBytesMax) {
      this.destroy(new UnderstudyError('resource_exhausted', `peer does not take what it is sent: outgoingBytes=${bytes}`));
      return;
    }
    if (bytes > this.#settings.outgoingBytesSoftMax && !this.#congested) {
      this.#congested = true;
      this.#stalledMs = 0;
      this.#events.congestion();
    }
  }

  /** Writes the frames from `from` to the next large body or tail as one piece, then that. @returns where to go on. */
  #writeRun(frames: readonly Frame[], from: number): number {
    let bytes = 0;
    let to = from;
    let large: Uint8Array | undefined;
    let left: (() => void) | undefined;
    while (to < frames.length && large === undefined) {
      const frame = frames[to] as Frame;
      const last = frame.tail ?? frame.body;
      if (last.length >= UNCOPIED_BYTES) large = last;
      left = frame.left;
      bytes += frameBytes(frame) - (large?.length ?? 0);
      to += 1;
    }
    const piece = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (let index = from; index < to; index += 1) {
      const frame = frames[index] as Frame;
      const { body, tail } = frame;
      putHeader(piece, at, frame);
      at += FRAME_HEADER_BYTES;
      if (body === large) break;
      if (body.length > 0) piece.set(body, at);
      at += body.length;
      if (tail === undefined || tail === large) continue;
      piece.set(tail, at);
      at += tail.length;
    }
    this.#stream.write(piece);
    if (large !== undefined) this.#stream.write(large, left);
    return to;
  }

  #drained(): void {
    if (!this.#congested || this.#phase === 'closed') return;
    this.#congested = false;
    this.#stalledMs = 0;
    if (this.#phase === 'open') this.#events.congestion();
  }

  #closed(error: Error | undefined): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#timer.cancel();
    this.#decoder.stop();
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (error !== undefined) this.#reason ??= new UnderstudyError('unavailable', `connection broken: ${error.message}`, { cause: error });
    this.#events.closed(this.#reason);
  }

  #sweep(): void {
    if (this.#phase === 'closed') return;
    this.#timer = this.#clock.setTimer(this.#sweepMs, () => this.#sweep());
    const overdue = this.#overdue();
    if (overdue !== undefined) this.destroy(overdue);
  }

  /** Counts one sweep. @returns why the connection has to end now. */
  #overdue(): UnderstudyError | undefined {
    const settings = this.#settings;
    this.#phaseMs += this.#sweepMs;
    if (this.#phase === 'ending') return this.#phaseMs >= settings.closeTimeoutMs ? late('peer does not close', this.#phaseMs) : undefined;
    if (this.#phase === 'handshake' && this.#phaseMs >= settings.handshakeTimeoutMs) return late('no hello in time', this.#phaseMs);

    this.#stalledMs = this.#congested ? this.#stalledMs + this.#sweepMs : 0;
    if (this.#stalledMs >= settings.stallTimeoutMs) return late('peer does not take what it is sent', this.#stalledMs);
    if (this.#paused) return undefined;

    const dribbles = this.#decoder.partial && this.#decoder.completed === this.#completedAtSweep;
    this.#partialMs = dribbles ? this.#partialMs + this.#sweepMs : 0;
    this.#completedAtSweep = this.#decoder.completed;
    if (this.#partialMs >= settings.frameTimeoutMs) return late('frame not complete in time', this.#partialMs);
    return this.#phase === 'open' ? this.#listenForLife() : undefined;
  }

  #listenForLife(): UnderstudyError | undefined {
    const settings = this.#settings;
    const before = this.#silentMs;
    this.#silentMs = this.#heard ? 0 : before + this.#sweepMs;
    this.#heard = false;
    if (this.#silentMs >= settings.keepAliveIntervalMs + settings.keepAliveTimeoutMs) {
      return new UnderstudyError('unavailable', `peer is silent: silentMs=${this.#silentMs}`);
    }
    if (before < settings.keepAliveIntervalMs && this.#silentMs >= settings.keepAliveIntervalMs) this.send(bareFrame(KIND.ping, 0));
    return undefined;
  }
}

function late(message: string, afterMs: number): UnderstudyError {
  return new UnderstudyError('deadline_exceeded', `${message}: afterMs=${afterMs}`);
}
