/**
 * What the quickstart found out, and how it is told: to people, and to machines.
 */
import type { ByteFigures } from './bytes.js';
import type { Comparison } from './compare.js';
import type { LoadFigures } from './load.js';

export interface Figures extends Omit<ByteFigures, 'problems'> {
  readonly entries: number;
  readonly acknowledged: number;
  readonly directories: number;
  readonly files: number;
  /** In the folder, and not in the namespace. */
  readonly lost: number;
  /** Created twice, or in the namespace and not in the folder. */
  readonly duplicated: number;
  /** Of another kind, size, mode or time than in the folder. */
  readonly wrong: number;
  /** Compared, and the same unless they are counted as something else here. */
  readonly compared: number;
  /** Changed in the folder while it was loaded and compared. */
  readonly changed: number;
  /** Not loaded: without a name in the namespace, or not readable. */
  readonly skipped: number;
  readonly loadMs: number;
  readonly createsPerSecond: number;
  /** From the kill to the next acknowledged write; null where there was none. */
  readonly gapMs: number | null;
  readonly killedLeader: string;
  readonly nextLeader: string;
}

export interface Takeover {
  readonly killedLeader: string;
  readonly nextLeader: string;
}

export function figuresOf(
  load: LoadFigures,
  comparison: Comparison,
  skipped: number,
  takeover: Takeover,
  { problems: _, ...bytes }: ByteFigures,
): Figures {
  const { compared, lost, extra, wrong, changed } = comparison;
  const { acknowledged, directories, files, ranTwice, loadMs, gapMs } = load;
  return {
    entries: acknowledged + ranTwice,
    acknowledged,
    directories,
    files,
    lost,
    duplicated: ranTwice + extra,
    wrong,
    compared,
    changed,
    skipped,
    loadMs: Math.round(loadMs),
    createsPerSecond: Math.round((1000 * acknowledged) / loadMs),
    gapMs: gapMs === undefined ? null : Math.round(gapMs),
    ...takeover,
    ...bytes,
  };
}

/** Whether all went as promised. */
export function isGood({ lost, duplicated, wrong, wrongContents, gapMs, killedLeader, nextLeader }: Figures): boolean {
  return lost + duplicated + wrong + wrongContents === 0 && gapMs !== null && nextLeader !== killedLeader;
}

export function count(number: number): string {
  return number.toLocaleString('en-US');
}

export function figuresText(figures: Figures, problems: readonly string[]): string {
  const { acknowledged, directories, files, lost, duplicated, wrong, compared, changed, skipped, createsPerSecond, gapMs } = figures;
  const rows: [string, string, string][] = [
    ['acknowledged', count(acknowledged), `${count(directories)} directories, ${count(files)} files`],
    ['lost', count(lost), `of ${count(compared + lost)} compared with the folder, one by one`],
    ['duplicated', count(duplicated), ''],
    ['wrong', count(wrong), 'in kind, size, mode or time'],
    [
      'creates per second',
      count(createsPerSecond),
      `${(figures.loadMs / 1000).toFixed(1)} s, the takeover included; each on disk before it was acknowledged`,
    ],
    ['kill to next write', gapMs === null ? 'never' : `${count(gapMs)} ms`, `${figures.killedLeader} killed, ${figures.nextLeader} leads`],
  ];
  const { storedFiles, storedBytes, storeMs, wrongContents, changedContents } = figures;
  const megabytes = `${(storedBytes / 1e6).toFixed(1)} MB`;
  rows.push(['bytes stored', megabytes, `of ${count(storedFiles)} files, in ${(storeMs / 1000).toFixed(1)} s, another takeover included`]);
  rows.push(['other bytes', count(wrongContents), 'files whose bytes are not those of the folder']);
  if (changedContents > 0) rows.push(['bytes changed', count(changedContents), 'files that changed in the folder meanwhile']);
  if (changed > 0) rows.push(['changed meanwhile', count(changed), 'in the folder; not compared']);
  if (skipped > 0) rows.push(['skipped', count(skipped), 'not readable, or no name for the namespace']);
  const width = Math.max(...rows.map(([, value]) => value.length));
  const lines = rows.map(([name, value, remark]) => `  ${name.padEnd(20)}${value.padStart(width)}   ${remark}`.trimEnd());
  return [...lines, ...problems.map((problem) => `    ${problem}`)].join('\n');
}
