/**
 * What clients got of the service: in how many slots of 10 ms a write was acknowledged, and how long each fault kept all writes from being.
 *
 * A gap is the time between two acknowledgements that follow each other. A step's gap is the longest one that ends behind its beginning and begins
 * before its end: it counts for the fault of that step, or for "two at once".
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

/** The longest time between two acknowledgements that touches [fromAt, toAt). @param ackedAt sorted. */
export function longestGapMs(ackedAt: readonly number[], fromAt: number, toAt: number): number {
  let longest = 0;
  let before = fromAt;
  for (const at of ackedAt) {
    if (at > fromAt) longest = Math.max(longest, at - before);
    before = at;
    if (at >= toAt) return longest;
  }
  return Math.max(longest, toAt - before);
}

export function gapsByKind(ackedAt: readonly number[], steps: readonly DoneStep[]): readonly GapsOfKind[] {
  const kinds = new Map<string, { gaps: number[]; promisedMs?: number }>();
  for (const { faults, beganAt, endedAt } of steps) {
    const [first] = faults;
    if (first === undefined || faults.some(({ trouble }) => trouble !== undefined)) continue;
    const { name, promisedMs } = faults.length === 1 ? first.fault : { name: TWO, promisedMs: undefined };
    const kind = kinds.get(name) ?? { gaps: [], ...(promisedMs === undefined ? {} : { promisedMs }) };
    kinds.set(name, kind);
    kind.gaps.push(longestGapMs(ackedAt, beganAt, endedAt));
  }
  const rows = [...kinds].map(([name, { gaps, ...promise }]) => ({ name, ...distribution(gaps), ...promise }));
  return rows.sort((a, b) => b.medianMs - a.medianMs);
}

function distribution(values: readonly number[]): Omit<GapsOfKind, 'name' | 'promisedMs'> {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return { count: sorted.length, medianMs: at(0.5), p90Ms: at(0.9), maxMs: sorted.at(-1) ?? 0 };
}
