/**
 * What clients got of the service: in how many slots of 10 ms a write was acknowledged, and how long each fault kept all writes from being.
 *
 * A gap is the time between two acknowledgements that follow each other. What of it lies between the beginnings of a step and of the next one counts
 * for that step: the next one begins only once writes have succeeded again. A step's gap is the longest of them. A step of two faults counts for "two
 * at once", for neither of them could be told to have made it.
 */
import type { DoneStep } from './nemesis.js';

const SLOT_MS = 10;
const TWO = 'two at once';

export interface GapsOfKind {
  readonly name: string;
  readonly count: number;
  readonly medianMs: number;
  readonly p90Ms: number;
  readonly maxMs: number;
  /** By design, on a machine that does nothing else; absent where writes stop for as long as the fault lasts. */
  readonly promisedMs?: number;
}

/** @param ackedAt sorted. @returns the share of the slots in [fromAt, toAt). */
export function availability(ackedAt: readonly number[], fromAt: number, toAt: number): number {
  const slots = Math.floor((toAt - fromAt) / SLOT_MS);
  const served = new Set<number>();
  for (const at of ackedAt) {
    const slot = Math.floor((at - fromAt) / SLOT_MS);
    if (slot >= 0 && slot < slots) served.add(slot);
  }
  return slots === 0 ? 0 : served.size / slots;
}

/** @param ackedAt sorted. @returns the longest gap of each step. */
function longestGaps(ackedAt: readonly number[], steps: readonly DoneStep[]): readonly number[] {
  const longest = steps.map(() => 0);
  let step = 0;
  for (const [index, at] of ackedAt.entries()) {
    const before = ackedAt[index - 1] ?? at;
    for (; step < steps.length; step++) {
      const began = steps[step]?.beganAt ?? 0;
      const nextBegan = steps[step + 1]?.beganAt ?? Number.POSITIVE_INFINITY;
      longest[step] = Math.max(longest[step] ?? 0, Math.min(at, nextBegan) - Math.max(before, began));
      if (at <= nextBegan) break;
    }
  }
  return longest;
}

export function gapsByKind(ackedAt: readonly number[], steps: readonly DoneStep[]): readonly GapsOfKind[] {
  const kinds = new Map<string, { gaps: number[]; promisedMs?: number }>();
  const gaps = longestGaps(ackedAt, steps);
  for (const [index, { faults }] of steps.entries()) {
    const [first] = faults;
    if (first === undefined || faults.some(({ trouble }) => trouble !== undefined)) continue;
    const { name, promisedMs } = faults.length === 1 ? first.fault : { name: TWO, promisedMs: undefined };
    const kind = kinds.get(name) ?? { gaps: [], ...(promisedMs === undefined ? {} : { promisedMs }) };
    kinds.set(name, kind);
    kind.gaps.push(gaps[index] ?? 0);
  }
  const rows = [...kinds].map(([name, { gaps: of, ...promise }]) => ({ name, ...distribution(of), ...promise }));
  return rows.sort((a, b) => b.medianMs - a.medianMs);
}

function distribution(values: readonly number[]): Omit<GapsOfKind, 'name' | 'promisedMs'> {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return { count: sorted.length, medianMs: at(0.5), p90Ms: at(0.9), maxMs: sorted.at(-1) ?? 0 };
}
