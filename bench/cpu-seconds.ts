import { readFileSync } from 'node:fs';

/** Of `/proc`, on every Linux. */
const TICKS_PER_SECOND = 100;

/** @returns what a process has used of the processors, in user and kernel mode. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
