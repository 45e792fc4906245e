/** A namespace to be changed through the table of operations, as masters do it, by any user; and the same in plain maps. */
import type { Identity } from '../../src/metadata/access.js';
import { firstNames } from '../../src/metadata/listing.js';
import { operations } from '../../src/metadata/operations.js';
import type { NamespaceSettings } from '../../src/metadata/plan.js';
import { NAMESPACE_SETTINGS, planContext } from './identities.js';
import { JournaledState, openReplica } from './journaled-state.js';

export type MutationName = {
  [K in keyof typeof operations]: (typeof operations)[K] extends { kind: 'mutation' } ? K : never;
}[keyof typeof operations];

export const ROOT: Identity = { user: 'root', group: 'wheel', groups: new Set(['wheel']), isSuperuser: true };

export function someone(user: string, group = 'staff'): Identity {
  return { user, group, groups: new Set([group]), isSuperuser: false };
}

export class Tree {
  readonly journaled: JournaledState;
  settings: NamespaceSettings = NAMESPACE_SETTINGS;
  timeMs = 1_700_000_000_000;

  constructor(journaled: JournaledState) {
    this.journaled = journaled;
  }

  static async make(): Promise<Tree> {
    return new Tree(await JournaledState.begin((await openReplica()).replica));
  }

  get state() {
    return this.journaled.replica.state;
  }

  run(name: MutationName, body: object, identity: Identity = ROOT): void {
    const { request, prepare } = operations[name];
    const context = { ...planContext(++this.timeMs, identity), settings: this.settings };
    const planned = prepare(request.encode(body as never).finish()).plan(this.state, context);
    if ('entry' in planned) this.journaled.append(planned.entry);
  }

  /** @returns `done`, or why not. */
  errno(name: MutationName, body: object, identity: Identity = ROOT): string {
    try {
      this.run(name, body, identity);
    } catch (error) {
      return (error as { errno?: string }).errno || String(error);
    }
    return 'done';
  }

  mkdir(path: string, mode = 0o777, identity: Identity = ROOT): void {
    this.run('createDirectory', { path, mode, recursive: true }, identity);
  }

  touch(path: string, identity: Identity = ROOT, length = 1): void {
    this.run('createFile', { path, recursive: true, completeLength: length }, identity);
  }

  /** @returns all paths below this one, each directory with a slash at its end and before what is in it, names in byte order. */
  async paths(path = '/'): Promise<string[]> {
    const { state, kv } = this.journaled.replica;
    const walk = async (id: number, prefix: string): Promise<string[]> => {
      const out: string[] = [];
      for (const name of await firstNames(kv, state, id, 10_000)) {
        const { directory, id: below } = state.child(id, name)!;
        out.push(`${prefix}${name}${directory ? '/' : ''}`, ...(directory ? await walk(below, `${prefix}${name}/`) : []));
      }
      return out;
    };
    let id = 1;
    for (const name of path.split('/').slice(1)) if (name !== '') id = state.child(id, name)!.id;
    return walk(id, '');
  }
}
