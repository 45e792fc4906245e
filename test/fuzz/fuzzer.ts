/**
 * Fuzzes one target: its corpus first, then mutants of that. A mutant that reaches new code joins the pool that mutants are made of.
 */
import { SeededRandom } from '../simulation/seeded-random.js';
import { readCorpus } from './corpus.js';
import type { Coverage } from './coverage.js';
import { mutate } from './mutate.js';
import type { Target } from './target.js';
import { tryInput } from './trial.js';
import type { Watchdog } from './watchdog.js';

export interface Finding {
  readonly target: string;
  readonly input: Buffer;
  readonly what: string;
}

/** Tried between two looks at what has run: looking takes as long as many of them. */
const MUTANTS_PER_LOOK = 256;
const SHRINK_TRIES_MAX = 2_000;
/** A finding may be that one input takes seconds. */
const SHRINK_MS_MAX = 20_000;

export class Fuzzer {
  readonly target: Target;
  /** How many inputs were tried, and accepted. */
  tried = 0;
  accepted = 0;
  readonly #watchdog: Watchdog;
  readonly #random: SeededRandom;
  readonly #pool: Buffer[];

  constructor(target: Target, seed: number, watchdog: Watchdog) {
    this.target = target;
    this.#watchdog = watchdog;
    this.#random = new SeededRandom(seed, target.name);
    this.#pool = [...target.seeds(), ...readCorpus(target.name)].map((input) => Buffer.from(input));
  }

  get poolSize(): number {
    return this.#pool.length;
  }

  /** Tries all that is kept. */
  async replay(): Promise<Finding | undefined> {
    for (const input of this.#pool) {
      const finding = await this.#try(input);
      if (finding !== undefined) return finding;
    }
    return undefined;
  }

  /** Tries so many mutants. @returns the first finding. */
  async run(mutants: number): Promise<Finding | undefined> {
    for (let left = mutants; left > 0; left--) {
      const finding = await this.#try(this.#mutant());
      if (finding !== undefined) return finding;
    }
    return undefined;
  }

  /** As `run`, some mutants, guided by what they reach. @param joined is told of each that joins. */
  async runGuided(coverage: Coverage, joined: (input: Buffer) => void): Promise<Finding | undefined> {
    return this.#keepNew(
      Array.from({ length: MUTANTS_PER_LOOK }, () => this.#mutant()),
      coverage,
      joined,
    );
  }

  /** Looks for those that reach something by halves: a look takes long. */
  async #keepNew(mutants: readonly Buffer[], coverage: Coverage, joined: (input: Buffer) => void): Promise<Finding | undefined> {
    for (const mutant of mutants) {
      const finding = await this.#try(mutant);
      if (finding !== undefined) return finding;
    }
    const reached = await coverage.look();
    if (!coverage.isNew(reached)) return undefined;
    const [mutant] = mutants;
    if (mutants.length === 1 && mutant !== undefined) {
      coverage.add(reached);
      this.#pool.push(mutant);
      joined(mutant);
      return undefined;
    }
    const half = mutants.length / 2;
    for (const part of [mutants.slice(0, half), mutants.slice(half)]) {
      const finding = await this.#keepNew(part, coverage, joined);
      if (finding !== undefined) return finding;
    }
    return undefined;
  }

  /** @returns a smaller input that is found wanting, too. */
  async shrink(finding: Finding): Promise<Finding> {
    let smallest = finding;
    let tries = 0;
    const until = performance.now() + SHRINK_MS_MAX;
    for (let size = Math.ceil(finding.input.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < smallest.input.length && tries < SHRINK_TRIES_MAX && performance.now() < until; tries++) {
        const { input } = smallest;
        const less = await this.#try(Buffer.concat([input.subarray(0, at), input.subarray(at + size)]));
        if (less === undefined) at += size;
        else smallest = less;
      }
    }
    return smallest;
  }

  #mutant(): Buffer {
    return mutate(this.#random.pick(this.#pool), this.#random, this.#pool, this.target.words);
  }

  async #try(input: Buffer): Promise<Finding | undefined> {
    const { accepted, finding } = await this.#watchdog.watch(this.target.name, input, () => tryInput(this.target, input));
    this.tried += 1;
    if (accepted) this.accepted += 1;
    return finding === undefined ? undefined : { target: this.target.name, input, what: finding };
  }
}
