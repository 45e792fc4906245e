/** What `fsadmin report` prints of workers: their room as Alluxio has it. */
import type { WorkerReport, WorkerTier } from '../../client/worker-report.js';
import { formatBytes, shownName } from '../fs/ls-format.js';
import { isoTime } from '../iso-time.js';
import { plainTable } from '../plain-table.js';

export function formatWorkers(workers: readonly WorkerReport[]): string {
  if (workers.length === 0) return 'No worker is known.';
  const rows = workers.map((worker) => {
    const { address, sinceMs, blocks, tiers, version } = worker;
    const failed = tiers.reduce((sum, tier) => sum + tier.failedDirectories, 0);
    const room = `${formatBytes(used(tiers))} of ${formatBytes(capacity(tiers))}`;
    return [
      shownName(address),
      shownState(worker),
      isoTime(sinceMs),
      String(blocks),
      room,
      failed === 0 ? '' : `${failed} failed`,
      version,
    ];
  });
  return plainTable(rows, ['Worker', 'State', 'Since', 'Blocks', 'Used', 'Directories', 'Version']);
}

/** DECOMMISSIONING with how much is left of it. */
export function shownState({ state, blocksLeft }: Pick<WorkerReport, 'state' | 'blocksLeft'>): string {
  if (state !== 'DECOMMISSIONING') return state;
  return `${state} (${blocksLeft === null ? 'not looked through yet' : `${blocksLeft} blocks left`})`;
}

/** The last lines of the summary. */
export function summaryLines(workers: readonly WorkerReport[]): string[] {
  const there = workers.filter(({ state }) => state !== 'LOST').map(({ tiers }) => tiers);
  const [all, taken] = [sum(there.map(capacity)), sum(there.map(used))];
  return [
    `    Live Workers: ${there.length}`,
    `    Lost Workers: ${workers.length - there.length}`,
    `    Total Capacity: ${formatBytes(all)}`,
    ...tierLines(there, capacity),
    `    Used Capacity: ${formatBytes(taken)}`,
    ...tierLines(there, used),
    `    Free Capacity: ${formatBytes(all - taken)}`,
  ];
}

export function formatCapacity(workers: readonly WorkerReport[]): string {
  const there = workers.filter(({ state }) => state !== 'LOST');
  const tiers = there.map((worker) => worker.tiers);
  const [all, taken] = [sum(tiers.map(capacity)), sum(tiers.map(used))];
  const names = tierNames(tiers);
  const rows = there.flatMap((worker) => {
    const sizes = names.map((name) => ofTier(worker.tiers, name, capacity));
    const taking = names.map((name) => ofTier(worker.tiers, name, used));
    return [
      [shownName(worker.address), String(Math.floor(worker.heardMs / 1_000)), 'capacity', ...sizes.map(formatBytes)],
      ['', '', 'used', ...taking.map((bytes, at) => `${formatBytes(bytes)} (${percent(bytes, sizes[at] ?? 0)}%)`)],
    ];
  });
  const table = rows.length === 0 ? [] : ['', plainTable(rows, ['Worker Name', 'Last Heartbeat', 'Storage', ...names])];
  return [
    'Capacity information for all workers: ',
    `    Total Capacity: ${formatBytes(all)}`,
    ...tierLines(tiers, capacity),
    `    Used Capacity: ${formatBytes(taken)}`,
    ...tierLines(tiers, used),
    `    Used Percentage: ${percent(taken, all)}%`,
    `    Free Percentage: ${100 - percent(taken, all)}%`,
    ...table,
  ].join('\n');
}

type Tiers = readonly WorkerTier[];

function tierLines(workers: readonly Tiers[], of: (tiers: Tiers) => number): string[] {
  return tierNames(workers).map(
    (name) => `        Tier: ${name}  Size: ${formatBytes(sum(workers.map((tiers) => ofTier(tiers, name, of))))}`,
  );
}

function tierNames(workers: readonly Tiers[]): string[] {
  return [...new Set(workers.flatMap((tiers) => tiers.map(({ name }) => name)))];
}

function ofTier(tiers: Tiers, name: string, of: (tiers: Tiers) => number): number {
  return of(tiers.filter((tier) => tier.name === name));
}

function capacity(tiers: Tiers): number {
  return sum(tiers.map(({ capacityBytes }) => capacityBytes));
}

function used(tiers: Tiers): number {
  return sum(tiers.map(({ usedBytes }) => usedBytes));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.floor((part / whole) * 100);
}
