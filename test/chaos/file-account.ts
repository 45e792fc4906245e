/**
 * Settles the account of files: what was acknowledged is there, byte for byte, or faults took all copies of a block of it before storage had it.
 *
 * - A file that was written `CACHE_THROUGH` or `THROUGH`, or that the namespace calls PERSISTED, is never lost; where it was written to since, no block that ended
 *   before is.
 * - Any other block may be lost where faults took all copies of it (`BlockCopies`).
 * - A write behind the end that failed has left what was there before; a file whose first write failed, or that may have been removed, may be gone.
 */
import type { FileStatus, FileSystem } from '../../src/cli/understudy.js';
import { isError } from '../../src/cli/understudy.js';
import { whatDiffers } from '../cluster/made-up-bytes.js';
import { readJsonLines } from '../history/json-lines.js';
import type { BlockCopies, Loss } from './block-copies.js';
import type { FileLine } from './file-lines.js';

/** What is known of one file by what clients were told. */
export interface KnownFile {
  readonly path: string;
  id: number | undefined;
  /** That was acknowledged. */
  length: number;
  /** That it may have: of a write that failed, which may have happened. */
  lengthMax: number;
  /** Bytes that storage had when its writer was told so. */
  readonly throughBytes: number;
  /** Whether it has to be there. */
  fate: 'there' | 'perhaps' | 'gone';
}

/** What calls of clients came to. */
export interface FileFigures {
  readonly written: number;
  readonly read: number;
  readonly bytesRead: number;
  readonly failed: number;
  /** Reads that gave other bytes than were written. */
  readonly wrong: readonly string[];
  /** Errors that nobody should meet. */
  readonly unexpected: readonly string[];
}

export interface FileCalls {
  readonly figures: FileFigures;
  readonly files: readonly KnownFile[];
  readonly writtenAt: readonly number[];
  readonly readAt: readonly number[];
}

export interface FileLosses {
  /** Bytes that were read in the end, and are as written. */
  readonly bytes: number;
  readonly accounted: readonly string[];
  /** How many of these would not be, had not the other copy of a block just been freed. */
  readonly freed: number;
  readonly unaccounted: readonly string[];
}

export type LostBlocks = Pick<BlockCopies, 'lossOf'>;

/** What a file lacks, and what accounts for that. */
interface Lack {
  readonly what: string;
  readonly by?: Loss | undefined;
}

/** Codes of errors that say: not now, or perhaps. */
const PASSING: readonly string[] = ['unavailable', 'resource_exhausted', 'deadline_exceeded', 'outcome_unknown', 'cancelled'];
/** And of errors of a read whose file is being removed: from the namespace, from mounted storage under its reader. */
const GOING: readonly string[] = ['not_found', 'failed_precondition'];
const READS_AT_ONCE = 8;

export async function readFileLines(file: string): Promise<FileLine[]> {
  const lines: FileLine[] = [];
  for await (const line of readJsonLines<FileLine>(file)) lines.push(line);
  return lines;
}

/** What calls came to; lines in the order of their answers. */
export function fileCalls(lines: readonly FileLine[]): FileCalls {
  const files = new Map<string, KnownFile>();
  for (const line of lines) if (line.call !== 'read') take(line, files);
  const good = lines.filter(({ error }) => error === undefined);
  const of = (call: FileLine['call']) => good.filter((line) => line.call === call);
  const told = ({ call, path, error, wrong }: FileLine) => `${call} ${path}: ${wrong ?? error}`;
  const removing = new Set(lines.filter(({ call }) => call === 'remove').map(({ path }) => path));
  const isExpected = ({ code = '', path, call }: FileLine) =>
    PASSING.includes(code) || (GOING.includes(code) && call === 'read' && removing.has(path));
  const figures = {
    written: of('write').length + of('append').length,
    read: of('read').length,
    bytesRead: of('read').reduce((sum, { bytes = 0 }) => sum + bytes, 0),
    failed: lines.length - good.length,
    wrong: lines.filter(({ wrong }) => wrong !== undefined).map(told),
    unexpected: lines.filter((line) => line.error !== undefined && !isExpected(line)).map(told),
  };
  return {
    figures,
    files: [...files.values()],
    writtenAt: [...of('write'), ...of('append')].map(({ answeredAt }) => answeredAt),
    readAt: of('read').map(({ answeredAt }) => answeredAt),
  };
}

/** @returns what should not have been, whatever became of the files. */
export function brokenCalls({ wrong, unexpected }: FileFigures): readonly string[] {
  return [
    ...(wrong.length > 0 ? [`files: ${wrong.length} reads gave other bytes than were written, the first: ${wrong[0]}`] : []),
    ...(unexpected.length > 0 ? [`files: ${unexpected.length} errors that nobody should meet, the first: ${unexpected[0]}`] : []),
  ];
}

function take({ call, path, length = 0, writeType, id, error }: FileLine, files: Map<string, KnownFile>): void {
  const isDone = error === undefined;
  const known = files.get(path);
  if (call === 'write') {
    const isThrough = isDone && (writeType === 'CACHE_THROUGH' || writeType === 'THROUGH');
    const lengths = { length: isDone ? length : 0, lengthMax: length, throughBytes: isThrough ? length : 0 };
    files.set(path, { path, id, ...lengths, fate: isDone ? 'there' : 'perhaps' });
  } else if (known !== undefined && call === 'append') {
    known.lengthMax = length;
    if (isDone) known.length = length;
  } else if (known !== undefined) known.fate = isDone ? 'gone' : 'perhaps';
}

/** Reads every file that there may be. Nobody changes anything any more. */
export async function settleFiles(files: readonly KnownFile[], fs: FileSystem, copies: LostBlocks): Promise<FileLosses> {
  const losses = { bytes: 0, accounted: [] as string[], freed: 0, unaccounted: [] as string[] };
  const left = [...files];
  const reader = async () => {
    for (let file = left.pop(); file !== undefined; file = left.pop()) {
      const found = await settleFile(file, fs, copies);
      if (typeof found === 'number') losses.bytes += found;
      else (found.by === undefined ? losses.unaccounted : losses.accounted).push(`${file.path}: ${found.what}`);
      if (typeof found !== 'number' && found.by === 'freed') losses.freed += 1;
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader));
  return losses;
}

/** @returns how many bytes it has, as they were written; or what it lacks. */
async function settleFile(file: KnownFile, fs: FileSystem, copies: LostBlocks): Promise<number | Lack> {
  const { path, id, fate, length, lengthMax } = file;
  const status = await fs.getStatus(path, { loadMetadata: 'NEVER' }).catch((error: unknown) => {
    if (isError(error, 'not_found')) return undefined;
    throw error;
  });
  if (status === undefined) return fate === 'there' ? { what: 'it is gone' } : 0;
  if (fate === 'gone') return { what: 'it was removed, and is there' };
  if (id !== undefined && id !== status.id) return { what: `it is another file: id=${status.id} written=${id}` };
  if (
    status.length < length ||
    status.length > lengthMax ||
    (status.complete && fate === 'there' && length === lengthMax && status.length !== length)
  ) {
    return { what: `it is ${status.length} bytes long, ${length} to ${lengthMax} were written` };
  }
  const found = await fs.readFile(path).catch((error: unknown) => String(error));
  if (typeof found !== 'string') {
    const differs = whatDiffers(path, 0, found);
    return differs === undefined ? found.length : { what: differs };
  }
  return { what: found, by: lossOf(status, file, copies) };
}

function lossOf(
  { id, complete, persistence, ...status }: FileStatus,
  { throughBytes, length }: KnownFile,
  copies: LostBlocks,
): Loss | undefined {
  // One that is still being written was never acknowledged to have more than it had.
  if (!complete && length === 0) return 'taken';
  return persistence === 'PERSISTED' ? undefined : copies.lossOf(id, blocksBehind(status, throughBytes));
}

/** @returns the numbers of the blocks that end behind so many bytes. */
export function blocksBehind({ length, blockBytes }: Pick<FileStatus, 'length' | 'blockBytes'>, bytes: number): readonly number[] {
  const all = Array.from({ length: Math.ceil(length / blockBytes) }, (_, index) => index);
  return all.filter((index) => Math.min(length, (index + 1) * blockBytes) > bytes);
}
