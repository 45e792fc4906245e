/**
 * Which operations can tell in which order they came: those that name the same path, or one above or below the other's, and those below one
 * directory with a quota, whose names are counted together.
 *
 * Two that do not conflict, one right after the other, could as well have come the other way round.
 */
import { type Op, pathsOf } from './operations.js';

export class Conflicts {
  /** Where names are counted. */
  readonly #counted: readonly string[];
  /** A directory that is counted may have moved: all count as below it. */
  readonly #anywhere: boolean;

  constructor(ops: readonly Op[]) {
    const quotas = ops.flatMap(({ operation }) =>
      (operation.kind === 'batch' ? operation.steps : [operation]).filter(({ kind }) => kind === 'setQuota').flatMap(pathsOf),
    );
    this.#counted = [...new Set(quotas)];
    this.#anywhere = ops.some(({ operation }) =>
      (operation.kind === 'batch' ? operation.steps : [operation]).some(
        (step) => step.kind === 'rename' && this.#counted.some((path) => isAtOrBelow(path, step.from) || isAtOrBelow(path, step.to)),
      ),
    );
  }

  between(one: Op, other: Op): boolean {
    if (this.#anywhere) return true;
    const [paths, others] = [pathsOf(one.operation), pathsOf(other.operation)];
    if (paths.some((path) => others.some((another) => isAtOrBelow(path, another) || isAtOrBelow(another, path)))) return true;
    return this.#counted.some((directory) => [paths, others].every((all) => all.some((path) => isAtOrBelow(path, directory))));
  }
}

export function isAtOrBelow(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}
