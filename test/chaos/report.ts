/** What a run came to, for people. */
import Table from 'cli-table3';
import type { HistoryVerdict } from '../history/history-check.js';
import type { ChaosOutcome } from './chaos-run.js';

const NOT_KNOWN = 'not known: no service';

export function formatOutcome(outcome: ChaosOutcome): string {
  const gaps = new Table({ head: ['fault', 'count', 'median ms', 'p90 ms', 'max ms', 'promised ms'], style: { head: [], border: [] } });
  for (const { name, count, medianMs, p90Ms, maxMs, promisedMs } of outcome.gaps) {
    gaps.push([name, count, medianMs, p90Ms, maxMs, promisedMs ?? '']);
  }
  const { probe, digests, history, files, fileVerdict } = outcome;
  const ends = Object.entries(outcome.unexpectedEnds).filter(([, count]) => count > 0);
  const summary = new Table({ style: { head: [], border: [] } });
  summary.push(
    { 'availability (slots of 10 ms)': `${(100 * outcome.availability).toFixed(2)} %` },
    { faults: `${outcome.faults}` },
    {
      'probe: acknowledged, unknown, refused':
        probe === undefined ? NOT_KNOWN : `${probe.acknowledged}, ${probe.unknown}, ${probe.refused}`,
    },
    { 'history: operations, parts': `${history.operations}, ${history.parts}` },
    { 'history: verdict': historyVerdict(history) },
    { 'lost: probe, history': `${probe?.lost.length ?? NOT_KNOWN}, ${history.lost}` },
    { 'duplicated: probe, history': `${probe?.duplicated.length ?? NOT_KNOWN}, ${history.duplicated}` },
    { 'files: written, read, calls that failed': `${files.written}, ${files.read}, ${files.failed}` },
    { 'files: bytes checked, wrong': `${files.bytesRead + (fileVerdict?.bytes ?? 0)}, ${files.wrong.length}` },
    { 'blocks that faults took altogether': `${outcome.takenBlocks}` },
    {
      'files lost: accounted, of these the other copy being freed, unaccounted':
        fileVerdict === undefined ? NOT_KNOWN : `${fileVerdict.accounted.length}, ${fileVerdict.freed}, ${fileVerdict.unaccounted.length}`,
    },
    { 'files: leaks': fileVerdict === undefined ? NOT_KNOWN : `${fileVerdict.leaks.length}` },
    { "masters' digests": digests.length === 0 ? NOT_KNOWN : new Set(digests).size === 1 ? 'equal' : digests.join(', ') },
    { verdict: verdictOf(outcome) },
  );
  return [
    'Longest time without an acknowledged write around each fault:',
    gaps.toString(),
    'Longest time without a file that was written, or read, around each fault of workers and mounted storage:',
    fileGaps(outcome),
    summary.toString(),
    ...outcome.troubles.map((trouble) => `a fault did not work: ${trouble}`),
    ...ends.map(([host, count]) => `${host} ended ${count} times without having been told to`),
    ...history.undecided.map((part) => `not decided: ${part}`),
    ...outcome.violations.map((violation) => `VIOLATION ${violation}`),
  ].join('\n');
}

function fileGaps({ fileGaps: { writes, reads } }: ChaosOutcome): string {
  const head = ['fault', 'count', 'writes: median ms', 'max ms', 'reads: median ms', 'max ms'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { name, count, medianMs, maxMs } of writes) {
    const read = reads.find((each) => each.name === name);
    table.push([name, count, medianMs, maxMs, read?.medianMs ?? '', read?.maxMs ?? '']);
  }
  return table.toString();
}

/** What was not decided has not been shown to hold. */
export function verdictOf({ violations, history }: ChaosOutcome): 'ok' | 'NOT DECIDED' | 'VIOLATION' {
  if (violations.length > 0) return 'VIOLATION';
  return history.undecided.length > 0 ? 'NOT DECIDED' : 'ok';
}

function historyVerdict({ violations, undecided }: HistoryVerdict): string {
  if (violations.length > 0) return 'VIOLATION';
  return undecided.length > 0 ? `not decided: ${undecided.length} parts; all others ok` : 'ok';
}
