/**
 * The network seam: connections that carry bytes in order. TCP in production; `memory-network.ts` in tests and simulations.
 */
export interface Network {
  /** @throws `unavailable`: refused, unreachable, or not connected before `signal` was aborted. A refusal has the cause's code `ECONNREFUSED`. */
  connect(address: string, signal: AbortSignal): Promise<ByteStream>;
  /** Listens on `host:port`; port 0 takes any free one. @throws `failed_precondition` naming the address when it is in use. */
  listen(address: string, accept: (stream: ByteStream) => void): Promise<Listener>;
}

export interface Listener {
  /** `host:port` as bound. */
  readonly address: string;
  /** Stops accepting; connections that were accepted go on. Idempotent. */
  close(): Promise<void>;
}

export interface StreamEvents {
  /** What arrives; it is the listener's from now on. */
  data(chunk: Uint8Array): void;
  /** What arrives, in memory that is used again afterwards. */
  lent(chunk: Uint8Array): void;
  /** All that was written has left. */
  drained(): void;
  /** The end, with the error, if that ended it. */
  closed(error?: Error): void;
}

/** One connection. Events come after the call that returned the stream, never during it. */
export interface ByteStream {
  /** The other side's `host:port`, for messages. */
  readonly peer: string;
  /** Bytes that were written and have not left yet. */
  readonly bufferedBytes: number;
  /** Set once, at once. */
  listen(events: StreamEvents): void;
  /** Queues `chunk`, which is the stream's from now on. @param left told once its memory may be used again; perhaps never. */
  write(chunk: Uint8Array, left?: () => void): void;
  /** Stops and resumes `data`, so that the other side feels back-pressure. */
  pause(): void;
  resume(): void;
  /** Sends what is buffered, then closes. */
  end(): void;
  /** Closes at once, dropping what is buffered. */
  destroy(): void;
}

/** @returns whether `error`, thrown by `connect`, says that nobody listens there. */
export function isRefusal(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
