/**
 * The life of one file as its only writer and everybody's reads saw it, and whether one order of events explains all of it (I1, I5, I6).
 *
 * A file is created, renamed any number of times and perhaps removed, one change after the other, under names that are never used again.
 * So a change that ran twice is refused the second time, and a change that was lost shows in the next look. A change takes effect at one
 * moment between its call and its answer; one whose outcome is unknown ends the story, and takes effect at any moment after its call, or
 * never. A look sees the state at one moment between its call and its answer. The story holds if such moments can be found.
 */

/** What was heard of a change: it was made, it was refused for good, it never ran and never will, or nobody can say. */
export type Outcome = 'ok' | 'refused' | 'nothing' | 'unknown';

interface Change {
  readonly what: string;
  /** Where the file is after it; null: nowhere. */
  readonly path: string | null;
  readonly calledAt: number;
  answeredAt: number;
  outcome: Outcome | undefined;
  detail: string;
}

interface Look {
  readonly path: string;
  readonly calledAt: number;
  readonly answeredAt: number;
  readonly inodeId: number | null;
  readonly by: string;
}

/** Where the moments of the changes may lie: change `i` in (from[i], to[i]). */
interface Bounds {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Counts calls and answers: no two at the same moment. */
export class Moments {
  #last = 0;

  next(): number {
    return ++this.#last;
  }
}

export class FileStory {
  readonly writer: string;
  readonly #moments: Moments;
  readonly #changes: Change[] = [];
  /** Changes that did not happen: nobody may see them. */
  readonly #neverMade: Change[] = [];
  readonly #looks: Look[] = [];
  /** Files that it takes the place of: whoever sees one does not see this file yet. */
  readonly #replaced = new Set<number>();
  #inodeId: number | undefined;

  constructor(writer: string, moments: Moments) {
    this.writer = writer;
    this.#moments = moments;
  }

  /** All paths that the file had or may have had. */
  get paths(): readonly string[] {
    return [...this.#changes, ...this.#neverMade].flatMap(({ path }) => path ?? []);
  }

  /** Where the file is if the last change was made. */
  get path(): string | null {
    return this.#changes.at(-1)?.path ?? null;
  }

  /** Its writer may change it further. */
  get open(): boolean {
    return this.path !== null && this.#changes.every(({ outcome }) => outcome === 'ok');
  }

  /** A change is called. @returns what takes its answer. */
  change(what: string, path: string | null): (outcome: Outcome, detail?: string, inodeId?: number) => void {
    const calledAt = this.#moments.next();
    const change: Change = { what, path, calledAt, answeredAt: Number.POSITIVE_INFINITY, outcome: undefined, detail: '' };
    this.#changes.push(change);
    return (outcome, detail = '', inodeId) => {
      change.outcome = outcome;
      change.detail = detail;
      if (outcome === 'ok') change.answeredAt = this.#moments.next();
      if (inodeId !== undefined) this.#inodeId ??= inodeId;
      if (outcome === 'nothing') this.#neverMade.push(...this.#changes.splice(this.#changes.indexOf(change), 1));
    };
  }

  /** A path that the file has only within a change that is one: nobody may see it. */
  passes(path: string): void {
    this.#neverMade.push({ what: 'passes', path, calledAt: this.#moments.next(), answeredAt: 0, outcome: 'ok', detail: '' });
  }

  /** The next change takes the place of this file. */
  replaces(inodeId: number): void {
    this.#replaced.add(inodeId);
  }

  /** A read of one of this file's paths is called. @returns what takes the inode's id, or null: there is no such path. */
  look(path: string, by: string): (inodeId: number | null) => void {
    const calledAt = this.#moments.next();
    return (inodeId) => {
      const seen = inodeId !== null && this.#replaced.has(inodeId) ? null : inodeId;
      this.#looks.push({ path, calledAt, answeredAt: this.#moments.next(), inodeId: seen, by });
    };
  }

  /** @returns what is wrong with it, or null. */
  violation(): string | null {
    const refused = this.#changes.find(({ outcome }) => outcome === 'refused');
    if (refused !== undefined)
      return this.#tell(`I5: ${refused.what} was refused, which only its own second run, or the loss of what was before, explains`);
    const stranger = this.#looks.find(({ inodeId }) => inodeId !== null && this.#inodeId !== undefined && inodeId !== this.#inodeId);
    if (stranger !== undefined)
      return this.#tell(`I5: ${stranger.by} saw inode ${stranger.inodeId} at ${stranger.path}, not ${this.#inodeId}`);
    const ghost = this.#looks.find(({ inodeId, path }) => inodeId !== null && this.#neverMade.some((change) => change.path === path));
    if (ghost !== undefined) return this.#tell(`I5: ${ghost.by} saw ${ghost.path}, which never was, or was reported not to have happened`);
    const bounds = this.#boundsOfSightings();
    const absences = this.#looks.filter(({ inodeId, path }) => inodeId === null && this.#changes.some((change) => change.path === path));
    if (bounds === null || !this.#explain(bounds, absences)) return this.#tell('I1, I6: no order of events explains what was seen');
    return null;
  }

  /** The changes' own bounds, narrowed by the looks that found the file: its change was before their end, the next one after their begin. */
  #boundsOfSightings(): Bounds | null {
    const from = this.#changes.map(({ calledAt }) => calledAt);
    const to = this.#changes.map(({ answeredAt }) => answeredAt);
    for (const look of this.#looks) {
      if (look.inodeId === null) continue;
      const at = this.#changeTo(look.path);
      to[at] = Math.min(to[at] ?? 0, look.answeredAt);
      if (at + 1 < from.length) from[at + 1] = Math.max(from[at + 1] ?? 0, look.calledAt);
    }
    return from.every((low, at) => low < (to[at] ?? 0)) ? { from, to } : null;
  }

  /** @returns whether moments within `bounds` explain that none of `absences` found the file: each began before its change, or ended after the next. */
  #explain(bounds: Bounds, absences: readonly Look[]): boolean {
    const [look, ...others] = absences;
    if (look === undefined) return true;
    const at = this.#changeTo(look.path);
    const { from, to } = bounds;
    const next = at + 1;
    if ((from[at] ?? 0) >= look.calledAt || (to[next] ?? Number.POSITIVE_INFINITY) <= look.answeredAt) return this.#explain(bounds, others);
    if (look.calledAt < (to[at] ?? 0) && this.#explain({ from: from.with(at, look.calledAt), to }, others)) return true;
    if (next >= from.length || look.answeredAt <= (from[next] ?? 0)) return false;
    return this.#explain({ from, to: to.with(next, look.answeredAt) }, others);
  }

  #changeTo(path: string): number {
    const at = this.#changes.findIndex((change) => change.path === path);
    if (at < 0) throw new Error(`a look at a path that is not of this file: ${path}`);
    return at;
  }

  #tell(what: string): string {
    const told = [
      ...[...this.#changes, ...this.#neverMade].map(({ what, path, calledAt, answeredAt, outcome, detail }) => ({
        calledAt,
        text: `${what} -> ${path ?? 'gone'} ${outcome ?? 'unanswered'} at=(${calledAt}, ${answeredAt}) ${detail}`,
      })),
      ...this.#looks.map(({ path, calledAt, answeredAt, inodeId, by }) => ({
        calledAt,
        text: `  ${by} looks at ${path}: ${inodeId === null ? 'nothing' : `inode ${inodeId}`} at=(${calledAt}, ${answeredAt})`,
      })),
    ].sort((a, b) => a.calledAt - b.calledAt);
    return [what, ...told.slice(-60).map(({ text }) => `    ${text}`)].join('\n');
  }
}
