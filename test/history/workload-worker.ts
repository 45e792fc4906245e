/** One worker of the workload: what it does next, and where. */
import type { SeededRandom } from '../simulation/seeded-random.js';
import type { BatchOperation, Consistency, Mutation, Read } from './events.js';
import type { Answered, RecordedFiles } from './recorded-files.js';
import type { Arena, Workload } from './workload.js';
import { ACTIONS, type Action } from './workload-mix.js';

/** A file under a name of its own, which only its worker changes. */
interface OwnFile {
  path: string;
  /** Its blocks can still be handed out. */
  open: boolean;
}

const OWN_MAX = 12;
const RECENT_MAX = 16;
const USUAL_MS = 60_000;
/** Files of `names` names: a, b, c … */
const NAMES = 'abcdefghijklmnop';

export class Worker {
  readonly #workload: Workload;
  readonly #files: RecordedFiles;
  readonly #random: SeededRandom;
  readonly #onlyLooks: boolean;
  #arena: Arena | undefined;
  #own: OwnFile[] = [];
  #lastSn = 0;

  /** @param onlyLooks changes nothing: its client does not learn from failed changes that its leader is superseded. */
  constructor(workload: Workload, files: RecordedFiles, random: SeededRandom, onlyLooks: boolean) {
    this.#workload = workload;
    this.#files = files;
    this.#random = random;
    this.#onlyLooks = onlyLooks;
  }

  /** Does one thing, or a few that belong together. */
  async act(arena: Arena): Promise<void> {
    if (arena !== this.#arena) this.#own = [];
    this.#arena = arena;
    await this.#do(this.#nextAction(), arena);
  }

  #nextAction(): Action {
    const looks: readonly Action[] = ['look', 'lookAtOwn', 'list', 'countTree'];
    const actions = this.#onlyLooks ? looks : ACTIONS;
    const { weights } = this.#workload.mix;
    let at = this.#random.float() * actions.reduce((sum, action) => sum + weights[action], 0);
    for (const action of actions) {
      at -= weights[action];
      if (at < 0) return action;
    }
    return 'look';
  }

  async #do(action: Action, arena: Arena): Promise<void> {
    switch (action) {
      case 'createOwn':
        return this.#createOwn(arena);
      case 'changeOwn':
        return this.#changeOwn(arena);
      case 'look':
        return this.#look(
          this.#random.chance(0.2) ? { kind: 'getXattr', path: this.#path(arena) } : { kind: 'getStatus', path: this.#place(arena) },
        );
      case 'lookAtOwn':
        return this.#look({ kind: 'getStatus', path: this.#recent(arena) });
      case 'list':
        return this.#look({ kind: 'list', path: this.#random.chance(0.15) ? arena.unique : this.#directory(arena) });
      case 'countTree':
        return this.#look({ kind: 'countTree', path: this.#directory(arena) });
      case 'batch':
        await this.#change({ kind: 'batch', steps: Array.from({ length: 2 + this.#random.below(3) }, () => this.#step(arena)) });
        return;
      case 'writeBlocks':
        return this.#writeBlocks(arena);
      default:
        await this.#change(this.#contended(action, arena));
    }
  }

  // What is fought over

  #contended(action: Action, arena: Arena): Mutation {
    const random = this.#random;
    switch (action) {
      case 'makeDirectory':
        return {
          kind: 'createDirectory',
          path: this.#tree(arena),
          mode: this.#mode(),
          ...(random.chance(0.3) ? { allowExists: true } : {}),
        };
      case 'rename':
        return { kind: 'rename', from: this.#path(arena), to: this.#path(arena), ...this.#overwrite() };
      case 'renameTree':
        return { kind: 'rename', from: this.#tree(arena), to: this.#tree(arena), ...this.#overwrite() };
      case 'remove':
        return { kind: 'remove', path: this.#path(arena) };
      case 'removeTree':
        return { kind: 'remove', path: this.#tree(arena), ...(random.chance(0.8) ? { recursive: true } : {}) };
      case 'setMode':
        return { kind: 'setMode', path: this.#place(arena), mode: this.#mode() };
      case 'setXattr': {
        const only = random.chance(0.4) ? { only: random.pick(['create', 'replace'] as const) } : {};
        return { kind: 'setXattr', path: this.#path(arena), value: this.#workload.newName(), ...only };
      }
      default:
        return {
          kind: 'createFile',
          path: this.#path(arena),
          mode: this.#mode(),
          completeLength: random.below(1_000),
          ...this.#overwrite(),
        };
    }
  }

  #step(arena: Arena): Mutation {
    return this.#contended(this.#random.pick(['create', 'create', 'makeDirectory', 'rename', 'remove', 'setMode']), arena);
  }

  #overwrite(): { overwrite?: true } {
    return this.#random.chance(0.4) ? { overwrite: true } : {};
  }

  /** The owner may do what it likes, so that nothing is refused for it. */
  #mode(): number {
    return 0o700 | this.#random.below(64);
  }

  #place(arena: Arena): string {
    return this.#random.chance(0.3) ? this.#directory(arena) : this.#path(arena);
  }

  /** A directory, which may be there or not. */
  #directory(arena: Arena): string {
    return this.#random.chance(0.6) ? this.#random.pick(arena.contended) : this.#tree(arena);
  }

  /** A directory that comes and goes. */
  #tree(arena: Arena): string {
    return `${this.#random.pick(arena.contended)}/t${this.#random.below(2)}`;
  }

  /** A file that comes and goes. */
  #path(arena: Arena): string {
    const { names } = this.#workload.mix;
    const directory = this.#random.chance(0.35) ? this.#tree(arena) : this.#random.pick(arena.contended);
    return `${directory}/${NAMES[this.#random.below(Math.min(names, NAMES.length))]}`;
  }

  /** A file is written, perhaps while others take its name or its place. */
  async #writeBlocks(arena: Arena): Promise<void> {
    const path = this.#path(arena);
    if ((await this.#change({ kind: 'createFile', path, mode: this.#mode(), ...this.#overwrite() }))?.value == null) return;
    const blocks = 1 + this.#random.below(3);
    if ((await this.#change({ kind: 'addBlocks', path, blocks }))?.value == null) return;
    if (this.#random.chance(0.7)) await this.#change({ kind: 'completeFile', path, length: this.#random.below(1_000) });
  }

  // What is its own

  async #createOwn(arena: Arena): Promise<void> {
    const file: OwnFile = { path: `${arena.unique}/${this.#workload.newName()}`, open: this.#random.chance(0.4) };
    const made = {
      kind: 'createFile',
      path: file.path,
      mode: 0o640,
      ...(file.open ? {} : { completeLength: this.#random.below(1_000) }),
    } as const;
    this.#tell(file.path);
    const answered = await this.#change(this.#random.chance(0.25) ? this.#inSteps(made, arena) : made);
    if (answered?.value == null) return;
    this.#own.push(file);
    if (this.#own.length > OWN_MAX) this.#own.shift();
  }

  /** Under a name that nobody may see, and then under its own. */
  #inSteps(made: Mutation & { kind: 'createFile' }, arena: Arena): BatchOperation {
    const passing = `${arena.unique}/${this.#workload.newName()}`;
    return {
      kind: 'batch',
      steps: [
        { ...made, path: passing },
        { kind: 'rename', from: passing, to: made.path },
      ],
    };
  }

  async #changeOwn(arena: Arena): Promise<void> {
    if (this.#own.length === 0) return this.#createOwn(arena);
    const file = this.#random.pick(this.#own);
    const next = this.#nextOfOwn(file, arena);
    const answered = await this.#change(next);
    // Its fate may be unknown: others may still look at it.
    if (answered?.value == null || next.kind === 'remove') this.#own = this.#own.filter((one) => one !== file);
    else if (next.kind === 'rename') file.path = next.to;
    else if (next.kind === 'completeFile') file.open = false;
  }

  #nextOfOwn(file: OwnFile, arena: Arena): Mutation {
    const { path } = file;
    if (file.open && this.#random.chance(0.7)) {
      return this.#random.chance(0.75)
        ? { kind: 'addBlocks', path, blocks: 1 }
        : { kind: 'completeFile', path, length: this.#random.below(1_000) };
    }
    if (this.#random.chance(0.25)) return { kind: 'remove', path };
    const over = this.#random.pick(this.#own);
    if (over !== file && this.#random.chance(0.2)) {
      this.#own = this.#own.filter((one) => one !== over);
      return { kind: 'rename', from: path, to: over.path, overwrite: true };
    }
    const to = `${arena.unique}/${this.#workload.newName()}`;
    this.#tell(to);
    return { kind: 'rename', from: path, to };
  }

  #tell(path: string): void {
    const { recent } = this.#workload;
    recent.push(path);
    if (recent.length > RECENT_MAX) recent.shift();
  }

  /** Anybody's file of its own: that is where stale answers would show. */
  #recent(arena: Arena): string {
    const here = this.#workload.recent.filter((path) => path.startsWith(`${arena.root}/`));
    return here.length === 0 ? this.#place(arena) : this.#random.pick(here);
  }

  // Calls

  async #change(operation: Mutation | BatchOperation): Promise<Answered | null> {
    const answered = await this.#files.change(operation, { timeoutMs: this.#timeoutMs() });
    this.#saw(answered);
    if (answered?.value != null) this.#workload.acknowledged(answered.sn);
    return answered;
  }

  async #look(read: Read): Promise<void> {
    const settings = { timeoutMs: this.#timeoutMs(), ...(read.kind === 'list' ? { pageEntries: 1 + this.#random.below(6) } : {}) };
    this.#saw(await this.#files.look(read, this.#consistency(), settings));
  }

  #saw(answered: Answered | null): void {
    this.#lastSn = Math.max(this.#lastSn, answered?.sn ?? 0);
  }

  #consistency(): Consistency {
    const drawn = this.#random.float();
    if (drawn < 0.2) return 'session';
    if (drawn < 0.3) return 'stale';
    if (drawn < 0.45 && this.#lastSn > 0) return { atLeastSn: this.#lastSn };
    return 'linearizable';
  }

  #timeoutMs(): number {
    return this.#random.chance(this.#workload.mix.hasty) ? this.#random.between(5, 5_000) : USUAL_MS;
  }
}
