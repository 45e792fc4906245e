/**
 * The memory of a process as Linux counts it.
 */
import { readFileSync } from 'node:fs';

export interface ResidentMemory {
  readonly nowMiB: number;
  readonly peakMiB: number;
}

export function residentMemory(pid: number): ResidentMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { nowMiB: mebibytes('VmRSS'), peakMiB: mebibytes('VmHWM') };
}
