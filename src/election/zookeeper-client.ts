/**
 * The npm package `zookeeper` (the C client on the event loop), seen through the part of it that is used: callbacks with return codes.
 *
 * It is an optional dependency with a native part, so it is loaded when it is first needed, and nothing here needs its types.
 * One client object has one session at a time, and is spent once closed. Its `close` event comes with -112 when the session expired.
 */
import { type ErrorCode, UnderstudyError } from '../base/errors.js';

interface NodeStat {
  /** Session that owns an ephemeral node, in hexadecimal; `0` for others. */
  readonly ephemeralOwner: string;
  readonly version: number;
}

export interface ZooKeeperClient {
  /** Session id and password, in hexadecimal. */
  readonly client_id: string;
  readonly client_password: string;
  /** Session time-out that the server granted, in milliseconds. */
  readonly timeout: number;
  on(event: 'connect' | 'connecting', listener: () => void): void;
  on(event: 'close', listener: (client: unknown, code: number) => void): void;
  on(event: 'created' | 'deleted' | 'changed' | 'child', listener: (client: unknown, path: string) => void): void;
  init(options: Readonly<Record<string, unknown>>): void;
  /** Ends the session, where connected, and blocks until the server has answered, up to 1.5 s. */
  close(): void;
  // Each returns 0, or a code that says why it never began; the callback's first argument is the outcome's code.
  a_create(path: string, data: string, flags: number, then: (code: number, text: string, path: string) => void): number;
  a_delete_(path: string, version: number, then: (code: number) => void): number;
  a_exists(path: string, watch: boolean, then: (code: number, text: string, stat: NodeStat | null) => void): number;
  a_get(path: string, watch: boolean, then: (code: number, text: string, stat: NodeStat | null, data: Buffer | null) => void): number;
  a_get_children(path: string, watch: boolean, then: (code: number, text: string, children: string[] | null) => void): number;
}

export const EPHEMERAL = 1;
export const SEQUENTIAL = 2;
export const SESSION_EXPIRED = -112;

/** @throws `failed_precondition` when the package is not installed, or does not load. */
export async function loadZooKeeperClient(packageName = 'zookeeper'): Promise<new () => ZooKeeperClient> {
  try {
    const loaded: { default: new () => ZooKeeperClient } = await import(packageName);
    return loaded.default;
  } catch (cause) {
    const message =
      'the npm package zookeeper does not load, and an election by ZooKeeper needs it: ' +
      `install a C compiler, make and python3, then run "npm install ${packageName}"; or use the embedded election`;
    throw new UnderstudyError('failed_precondition', message, { cause });
  }
}

const CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [-101, 'not_found'],
  [-102, 'permission_denied'],
  [-103, 'aborted'],
  [-108, 'failed_precondition'],
  [-110, 'already_exists'],
  [-111, 'failed_precondition'],
  [-114, 'invalid_argument'],
  [-115, 'permission_denied'],
  [-8, 'invalid_argument'],
  [-6, 'unimplemented'],
]);

/** @returns the operating error for a return code; what a lost connection or session ended is `unavailable`, and may have happened. */
export function zooKeeperError(code: number, operation: string, path: string): UnderstudyError {
  return new UnderstudyError(
    CODES.get(code) ?? 'unavailable',
    `zookeeper operation failed: operation=${operation} path=${path} code=${code}`,
  );
}
