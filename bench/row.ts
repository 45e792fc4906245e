/**
 * One line of the result: a figure, the machine's floor for it, and what it is to reach.
 */
import { TARGETS, type Target } from './targets.js';

type Unit = '/s' | 'entries/s' | 's' | 'ms' | 'MiB' | 'MB/s' | 'bytes' | '×';

/** What this machine can do at most, or needs at least, with everything but the bare step taken away; in the unit of the row. */
export interface Floor {
  readonly what: string;
  readonly value: number;
}

export interface Figure {
  /** Unique; the targets go by it. */
  readonly name: string;
  readonly what: string;
  readonly value: number;
  /** It is less than that, and cannot be told nearer. */
  readonly isBelow?: boolean;
  readonly unit: Unit;
  /** Of the single calls, or runs, milliseconds. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly floor?: Floor;
  /** Size of what was measured, where the target holds for one size. */
  readonly files?: number;
  readonly note?: string;
}

export interface Row extends Figure {
  /** Value over floor. */
  readonly ratio?: number;
  readonly target?: Target;
  /** Whether the target is reached; absent where it holds for another size. */
  readonly met?: boolean;
}

export function rowOf(figure: Figure): Row {
  const target = TARGETS[figure.name];
  const ratio = figure.floor === undefined ? {} : { ratio: figure.value / figure.floor.value };
  if (target === undefined) return { ...figure, ...ratio };
  const met = target.files === undefined || target.files === figure.files ? { met: isMet(figure, target) } : {};
  return { ...figure, ...ratio, target, ...met };
}

function isMet(figure: Figure, { atLeast, below, p50BelowMs }: Target): boolean {
  if (atLeast !== undefined && figure.value < atLeast) return false;
  if (below !== undefined && figure.value > below) return false;
  return p50BelowMs === undefined || (figure.p50Ms ?? Number.POSITIVE_INFINITY) < p50BelowMs;
}
