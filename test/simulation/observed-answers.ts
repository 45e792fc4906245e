/**
 * The answers of masters, overheard where clients get them: none may speak of what is not committed, and those that only a leader may give need
 * a proof that nobody had superseded it, younger than the question (I6). Refusals by the namespace, which have an errno, are answers, too.
 */
import { asError } from '../../src/base/errors.js';
import { operations } from '../../src/metadata/operations.js';
import type { RpcConnection } from '../../src/rpc/rpc.js';

export interface AnswerObserver {
  /** Counts events. */
  now(): number;
  /** A master answered as of entry `sn`. */
  told(host: string, sn: number, what: string): void;
  /** A master answered what only a leader may that nobody has superseded. */
  answered(host: string, askedAt: number, what: string): void;
}

type Row = (typeof operations)[keyof typeof operations];
const ROWS: ReadonlyMap<number, Row> = new Map(Object.values(operations).map((row) => [row.method, row]));
const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(operations).map(([name, { method }]) => [method, name]));

export function observedAnswers(connection: RpcConnection, observer: AnswerObserver): RpcConnection {
  const host = connection.address.slice(0, connection.address.lastIndexOf(':'));
  const hears = (method: number, body: Uint8Array): ((sn: number) => void) => {
    const askedAt = observer.now();
    const asksLeader = isForLeader(method, body);
    const what = NAMES.get(method) ?? '';
    return (sn) => {
      if (sn === 0) return;
      observer.told(host, sn, what);
      if (asksLeader) observer.answered(host, askedAt, what);
    };
  };
  const close = () => connection.close();
  return {
    address: connection.address,
    lost: connection.lost,
    async call(method, body, options) {
      const hear = hears(method, body);
      try {
        const answer = await connection.call(method, body, options);
        hear(snIn(method, answer));
        return answer;
      } catch (error) {
        hear(refusedAt(error));
        throw error;
      }
    },
    async *stream(method, body, options) {
      const hear = hears(method, body);
      try {
        for await (const item of connection.stream(method, body, options)) {
          hear(snIn(method, item));
          yield item;
        }
      } catch (error) {
        hear(refusedAt(error));
        throw error;
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function isForLeader(method: number, body: Uint8Array): boolean {
  const row = ROWS.get(method);
  if (row?.kind === 'mutation') return true;
  return (row?.kind === 'query' || row?.kind === 'stream') && row.request.decode(body).freshness == null;
}

/** @returns 0 where it tells none. */
function snIn(method: number, answer: Uint8Array): number {
  const row = ROWS.get(method);
  return row?.kind === 'mutation' || row?.kind === 'query' || row?.kind === 'stream' ? row.response.decode(answer).sn : 0;
}

/** @returns the entry as of which the namespace refused; 0: it has said nothing. */
function refusedAt(cause: unknown): number {
  const { errno, sn = 0 } = asError(cause);
  return errno === undefined ? 0 : sn;
}
