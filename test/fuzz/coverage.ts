/**
 * Which code has run, as V8 counts it: what an input reached that none before it did is what makes it worth keeping.
 *
 * Counts begin anew with each look. Covered is a character of the source: the blocks that V8 tells of are cut otherwise from look to look.
 */
import { type Profiler, Session } from 'node:inspector/promises';

type Painted = ReadonlyMap<string, Uint8Array>;

export class Coverage implements AsyncDisposable {
  readonly #session = new Session();
  readonly #isOurs: (url: string) => boolean;
  readonly #covered = new Map<string, Uint8Array>();

  private constructor(isOurs: (url: string) => boolean) {
    this.#isOurs = isOurs;
  }

  static async start(isOurs: (url: string) => boolean): Promise<Coverage> {
    const coverage = new Coverage(isOurs);
    coverage.#session.connect();
    await coverage.#session.post('Profiler.enable');
    await coverage.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return coverage;
  }

  /** @returns what ran since the last look. */
  async look(): Promise<Painted> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const ours = result.filter(({ url }) => this.#isOurs(url));
    return new Map(ours.map(({ url, functions }) => [url, paint(functions)]));
  }

  /** @returns whether anything of it has not run before. */
  isNew(painted: Painted): boolean {
    return [...painted].some(([url, now]) => {
      const before = this.#covered.get(url);
      return now.some((ran, at) => ran === 1 && before?.[at] !== 1);
    });
  }

  add(painted: Painted): void {
    for (const [url, now] of painted) {
      const before = this.#covered.get(url) ?? new Uint8Array(0);
      const both = new Uint8Array(Math.max(before.length, now.length));
      both.set(before);
      for (let at = 0; at < now.length; at++) if (now[at] === 1) both[at] = 1;
      this.#covered.set(url, both);
    }
  }

  /** Characters of source that have run. */
  get characters(): number {
    let sum = 0;
    for (const covered of this.#covered.values()) for (const ran of covered) sum += ran;
    return sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.disconnect();
  }
}

/** Inner blocks come behind outer ones, functions behind those around them. */
function paint(functions: readonly Profiler.FunctionCoverage[]): Uint8Array {
  const length = Math.max(0, ...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)));
  const painted = new Uint8Array(length);
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) painted.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  }
  return painted;
}
