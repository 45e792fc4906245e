/** @returns ISO 8601 in UTC; the bare number where no calendar has it. */
export function isoTime(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs}ms` : date.toISOString();
}
