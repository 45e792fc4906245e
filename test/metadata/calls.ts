/** Calls of the table's operations on a state without a master, as masters make them. */
import type { understudy } from '../../generated/understudy.js';
import type { Identity } from '../../src/metadata/access.js';
import { operations } from '../../src/metadata/operations.js';
import type { Planned } from '../../src/metadata/plan.js';
import { resolveExisting } from '../../src/metadata/plan.js';
import type { Inode } from '../../src/metadata/records.js';
import { ADA, asAda, planContext } from './identities.js';
import type { JournaledState } from './journaled-state.js';

type Table = typeof operations;
export type MutationName = { [K in keyof Table]: Table[K] extends { kind: 'mutation' } ? K : never }[keyof Table];

/** Nobody in particular. */
export const BOB: Identity = { user: 'bob', group: 'users', groups: new Set(['users']), isSuperuser: false };

const encoded = (name: MutationName, body: object): Uint8Array => operations[name].request.encode(body as never).finish();

/** A step of `multi`. */
export const step = (name: MutationName, body: object): understudy.MultiStep.$Properties => ({
  method: operations[name].method,
  request: encoded(name, body),
});

export class Calls {
  readonly journaled: JournaledState;
  timeMs = 1_700_000_000_000;

  constructor(journaled: JournaledState) {
    this.journaled = journaled;
  }

  get state() {
    return this.journaled.replica.state;
  }

  plan(name: MutationName, body: object, identity = ADA): Planned {
    this.timeMs += 1;
    return operations[name].prepare(encoded(name, body)).plan(this.state, planContext(this.timeMs, identity, 1));
  }

  /** Plans and applies. @throws the refusal. */
  run(name: MutationName, body: object, identity = ADA): void {
    const planned = this.plan(name, body, identity);
    if ('entry' in planned) this.journaled.append(planned.entry);
  }

  /** @returns POSIX's name of the refusal; `done`, where there is none. */
  errno(name: MutationName, body: object, identity = ADA): string {
    return errnoOf(() => this.run(name, body, identity));
  }

  inode(path: string): Inode {
    return resolveExisting(path, this.state, asAda).inode;
  }

  has(path: string): boolean {
    return errnoOf(() => this.inode(path)) === 'done';
  }
}

export function errnoOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    const { errno, code } = error as { errno?: string; code?: string };
    if (code === undefined) throw error;
    return errno ?? code;
  }
  return 'done';
}
