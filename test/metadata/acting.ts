/** A namespace on which several users act, through the table of operations as masters serve it. */
import type { Identity } from '../../src/metadata/access.js';
import { operations } from '../../src/metadata/operations.js';
import type { EntryBody } from '../../src/metadata/plan.js';
import type { Inode } from '../../src/metadata/records.js';
import { planContext } from './identities.js';
import { JournaledState, openReplica } from './journaled-state.js';

type Table = typeof operations;
export type OperationName = { [K in keyof Table]: Table[K] extends { kind: 'mutation' | 'query' | 'stream' } ? K : never }[keyof Table];

/** @param groups the primary one first. */
export function user(name: string, ...groups: readonly string[]): Identity {
  return { user: name, group: groups[0] ?? '', groups: new Set(groups), isSuperuser: false };
}

export const ROOT: Identity = { user: 'root', group: 'wheel', groups: new Set(['wheel']), isSuperuser: true };

interface Action {
  readonly identity: Identity;
  readonly name: OperationName;
  readonly body: object;
  readonly clientId: number;
}

export class Acting implements AsyncDisposable {
  readonly #journaled: JournaledState;
  #timeMs = 1_700_000_000_000;

  private constructor(journaled: JournaledState) {
    this.#journaled = journaled;
  }

  static async begin(): Promise<Acting> {
    return new Acting(await JournaledState.begin((await openReplica()).replica));
  }

  get state() {
    return this.#journaled.replica.state;
  }

  /** Does it. @returns the decoded answer of a query. @throws the refusal. */
  act(identity: Identity, name: OperationName, body: object, clientId = 1): unknown {
    return this.#run({ identity, name, body, clientId }, true);
  }

  /** An entry of the master's own. */
  append(entry: EntryBody): void {
    this.#journaled.append(entry);
  }

  /** Does it. @returns the errno that it was refused with, or `done`. */
  attempt(identity: Identity, name: OperationName, body: object, clientId = 1): string {
    return this.#outcome({ identity, name, body, clientId }, true);
  }

  /** @returns the same, of a change that is planned and not made. */
  wouldBe(identity: Identity, name: OperationName, body: object, clientId = 1): string {
    return this.#outcome({ identity, name, body, clientId }, false);
  }

  #outcome(action: Action, isMade: boolean): string {
    try {
      this.#run(action, isMade);
    } catch (error) {
      const { errno, code } = error as { errno?: string; code?: string };
      return errno ?? code ?? String(error);
    }
    return 'done';
  }

  inode(path: string): Inode {
    const found = this.find(path);
    if (found === null) throw new Error(`not there: ${path}`);
    return found;
  }

  find(path: string): Inode | null {
    const names = path.split('/').filter((name) => name !== '');
    return names.reduce<Inode | null>((above, name) => above && this.state.child(above.id, name), this.state.root());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#journaled.replica.close();
  }

  #run({ identity, name, body, clientId }: Action, isMade: boolean): unknown {
    const operation = operations[name];
    const encoded = operation.request.encode(body as never).finish();
    const context = planContext(++this.#timeMs, identity, clientId);
    const { kv } = this.#journaled.replica;
    if (operation.kind === 'query') return operation.response.decode(operation.prepare(encoded).answer(this.state, kv, context));
    if (operation.kind === 'stream') return void operation.prepare(encoded).answer(this.state, kv, context)[Symbol.asyncDispose]();
    const planned = operation.prepare(encoded).plan(this.state, context);
    if ('entry' in planned && isMade) this.#journaled.append(planned.entry);
    return undefined;
  }
}
