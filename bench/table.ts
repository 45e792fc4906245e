/**
 * The result for people.
 */
import Table from 'cli-table3';
import type { Row } from './row.js';
import type { Target } from './targets.js';

const COLUMNS = ['What', 'Measured', 'p50 ms', 'p99 ms', 'Target', '', 'Floor', 'Ratio', 'Remark'] as const;
const RIGHT = [1, 2, 3, 4, 7];

export function formatRows(rows: readonly Row[]): string {
  const table = new Table({
    head: [...COLUMNS],
    colAligns: COLUMNS.map((_, at) => (RIGHT.includes(at) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(cellsOf(row));
  return table.toString();
}

function cellsOf({ what, value, isBelow = false, unit, p50Ms, p99Ms, target, met, floor, ratio, note }: Row): string[] {
  return [
    what,
    `${isBelow ? 'below ' : ''}${number(value)} ${unit}`,
    p50Ms === undefined ? '' : number(p50Ms),
    p99Ms === undefined ? '' : number(p99Ms),
    target === undefined ? '' : targetText(target),
    met === undefined ? '' : met ? 'reached' : 'MISSED',
    floor === undefined ? '' : `${number(floor.value)} ${floor.what}`,
    ratio === undefined ? '' : ratio.toFixed(2),
    note ?? '',
  ];
}

function targetText({ atLeast, below, p50BelowMs }: Target): string {
  if (atLeast !== undefined) return `≥ ${number(atLeast)}`;
  return below === undefined ? `p50 < ${p50BelowMs}` : `≤ ${number(below)}`;
}

function number(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 3 : value < 1000 ? 1 : 0 });
}
