/** Settles the probe's account: every file that was acknowledged is there, once, and none that was refused. */
import type { FileSystem } from '../../src/cli/understudy.js';
import { readJsonLines } from '../history/json-lines.js';
import { PROBE_FOLDER, type ProbeLine } from './probe.js';

export interface ProbeAccount {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  /** Acknowledged, and not there, or as another file. */
  readonly lost: readonly string[];
  /** Made twice: a call that ran again found its own file, or what was refused is there. */
  readonly duplicated: readonly string[];
  /** Refused with an error that nobody should meet. */
  readonly unexpected: readonly string[];
}

/** Codes of errors that say: nothing happened, for now. */
const PASSING: readonly string[] = ['unavailable', 'resource_exhausted'];

export async function readProbeLines(file: string): Promise<ProbeLine[]> {
  const lines: ProbeLine[] = [];
  for await (const line of readJsonLines<ProbeLine>(file)) lines.push(line);
  return lines;
}

export async function settle(lines: readonly ProbeLine[], fs: FileSystem): Promise<ProbeAccount> {
  const found = new Map<string, number>();
  const listedTwice: string[] = [];
  for await (const { path, id, directory } of fs.list(PROBE_FOLDER, { recursive: true })) {
    if (directory) continue;
    if (found.has(path)) listedTwice.push(path);
    found.set(path, id);
  }
  const acknowledged = lines.filter(({ id }) => id !== undefined);
  const refused = lines.filter(({ id, unknown }) => id === undefined && unknown !== true);
  const made = new Set(lines.map(({ path }) => path));
  return {
    acknowledged: acknowledged.length,
    refused: refused.length,
    unknown: lines.length - acknowledged.length - refused.length,
    lost: acknowledged.filter(({ path, id }) => found.get(path) !== id).map(({ path, id }) => `${path} id=${id} found=${found.get(path)}`),
    duplicated: [
      ...listedTwice,
      ...refused.filter(({ path, code }) => found.has(path) || code === 'already_exists').map(({ path, error }) => `${path}: ${error}`),
      ...[...found.keys()].filter((path) => !made.has(path)).map((path) => `${path}: nobody made it`),
    ],
    unexpected: refused.filter(({ code = '' }) => !PASSING.includes(code)).map(({ path, error }) => `${path}: ${error}`),
  };
}

export function probeAckedAt(lines: readonly ProbeLine[]): number[] {
  return lines.filter(({ id }) => id !== undefined).map(({ answeredAt }) => answeredAt);
}
