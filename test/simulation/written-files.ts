/**
 * What files hold, as those who write them know it: whoever reads one knows what may be there.
 *
 * Each step of a file's life (made, written behind its end, removed) has a number of its own, and the bytes that it writes are a function of that and
 * of their place. A step whose outcome is not known may have taken effect, or half of it, or may yet.
 */

/** Bytes [from, to) of a file. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** What a file is to be once a step has been done; null: it is not there. */
export type Contents = readonly Stretch[] | null;

export interface Step {
  readonly kind: 'make' | 'append' | 'remove';
  readonly contents: Contents;
  /** Counts events, as `endedAt` does. */
  readonly begunAt: number;
  endedAt: number | undefined;
  outcome: 'under way' | 'ok' | 'unknown';
}

/** What a reader was told. */
export interface Seen {
  readonly isComplete: boolean;
  readonly bytes: Uint8Array;
}

export function lengthOf(contents: Contents): number {
  return contents?.at(-1)?.to ?? 0;
}

/** @returns the bytes of one stretch. */
export function bytesOf({ from, to, step }: Stretch): Uint8Array {
  const bytes = new Uint8Array(to - from);
  const seed = Math.imul(step, 0x9e3779b1);
  for (let at = from; at < to; at++) bytes[at - from] = Math.imul(seed + at, 0x85ebca6b) >>> 24;
  return bytes;
}

/** One file: written by one writer at a time. */
export class WrittenFile {
  readonly path: string;
  readonly steps: Step[] = [];
  readonly blockBytes: number;
  readonly replicationMin: number;
  /** In mounted storage, where it is written through to; undefined: it is not. */
  readonly storedAs: string | undefined;

  constructor(path: string, blockBytes: number, replicationMin: number, storedAs?: string) {
    this.path = path;
    this.blockBytes = blockBytes;
    this.replicationMin = replicationMin;
    this.storedAs = storedAs;
  }

  /** As of the last step; undefined: that is not known. */
  get contents(): Contents | undefined {
    const last = this.steps.at(-1);
    return last === undefined ? null : last.outcome === 'ok' ? last.contents : undefined;
  }

  begin(kind: Step['kind'], contents: Contents, begunAt: number): Step {
    const step: Step = { kind, contents, begunAt, endedAt: undefined, outcome: 'under way' };
    this.steps.push(step);
    return step;
  }

  /**
   * @param from when it was asked for; `to`: when it was answered.
   * @param seen null: it was said not to be there.
   * @returns what is wrong with that; undefined: nothing.
   */
  judge(seen: Seen | null, from: number, to: number): string | undefined {
    const states = this.#states(from, to);
    if (seen === null) return states.some(({ contents }) => contents === null) ? undefined : 'it is said not to be there';
    const { bytes, isComplete } = seen;
    const isMatch = ({ contents, least }: State) => {
      if (contents === null) return false;
      const isWhole = bytes.length === lengthOf(contents) && least === undefined;
      const isPart = !isComplete && bytes.length >= (least ?? 0) && bytes.length <= lengthOf(contents);
      return (isWhole || isPart) && differsAt(contents, bytes) === undefined;
    };
    if (states.some(isMatch)) return undefined;
    const expected = states.map(({ contents, least }) => {
      const at = contents === null ? undefined : differsAt(contents, bytes);
      return `${contents === null ? 'none' : lengthOf(contents)}${least === undefined ? '' : ` from ${least}`}${at === undefined ? '' : ` differs at ${at}`}`;
    });
    return `it has ${bytes.length} bytes${isComplete ? '' : ' so far'}, and may have: ${expected.join(', ')}`;
  }

  /** @returns in what states it may have been at some moment from `from` to `to`. */
  #states(from: number, to: number): State[] {
    let first = this.steps.length - 1;
    for (; first >= 0; first--) {
      const step = this.steps[first];
      if (step?.outcome === 'ok' && (step.endedAt ?? 0) <= from) break;
    }
    const before = this.steps[first]?.contents ?? null;
    const states: State[] = [{ contents: before, least: undefined }];
    let known = before;
    for (const { kind, contents, begunAt } of this.steps.slice(first + 1)) {
      if (begunAt > to) break;
      states.push({ contents, least: undefined });
      if (kind === 'make') states.push({ contents, least: 0 }, { contents: null, least: undefined });
      if (kind === 'append') states.push({ contents, least: lengthOf(known) });
      known = contents;
    }
    return states;
  }
}

interface State {
  readonly contents: Contents;
  /** It is being written: so much of it is there at least. */
  readonly least: number | undefined;
}

/** @returns where; undefined: nowhere, as far as both go. */
function differsAt(contents: readonly Stretch[], bytes: Uint8Array): number | undefined {
  for (const stretch of contents) {
    const to = Math.min(stretch.to, bytes.length);
    if (to <= stretch.from) continue;
    const want = bytesOf({ ...stretch, to });
    for (let at = stretch.from; at < to; at++) if (bytes[at] !== want[at - stretch.from]) return at;
  }
  return undefined;
}
