/**
 * The file FORMAT: what this journal is. Created last and exclusively, so a folder without it holds no journal. One page of text that
 * an operator can read, filled up with line ends:
 *
 *     understudy-journal          magic
 *     version=1                   format version of the folder
 *     cluster=<id>                all its masters and clients carry it
 *     incarnation=<32 hex>        new after a restore
 *     forked=<cluster id>@<sn>    of a fork: the cluster and the entry that it was made at
 *     crc=<8 hex>                 CRC-32 of the lines before this one
 *
 * Lines with other names are passed over.
 */
import { crc32 } from 'node:zlib';
import { UnderstudyError } from '../base/errors.js';
import { type Files, PAGE_BYTES } from '../base/files.js';
import { needsVersion } from '../base/needs-version.js';

const MAGIC = 'understudy-journal';
export const FORMAT_VERSION = 1;

export interface FormatFile {
  readonly clusterId: string;
  /** 32 hex digits. */
  readonly incarnationId: string;
  /** As `JournalContents.forkedFrom`. */
  readonly forkedFrom?: string | undefined;
}

export function encodeFormat(format: FormatFile): Buffer {
  const lines = `${MAGIC}\nversion=${FORMAT_VERSION}\ncluster=${format.clusterId}\nincarnation=${format.incarnationId}\n${forkLine(format)}`;
  const text = `${lines}crc=${hexCrc(lines)}\n`;
  const page = Buffer.alloc(PAGE_BYTES, '\n');
  if (Buffer.byteLength(text) > PAGE_BYTES) throw new UnderstudyError('invalid_argument', 'cluster id is too long');
  page.write(text);
  return page;
}

/** @throws `corrupt`; `failed_precondition` (`needs version`). */
export function decodeFormat(page: Buffer, filePath: string): FormatFile {
  const text = page.toString('utf8');
  const end = text.lastIndexOf('\ncrc=') + 1;
  const lines = text.slice(0, end);
  const crc = text.slice(end + 4, end + 12);
  if (end === 0 || !lines.startsWith(`${MAGIC}\n`) || crc !== hexCrc(lines)) {
    throw new UnderstudyError('corrupt', `the journal's FORMAT is damaged: file=${filePath} offset=0`);
  }
  const values = new Map(lines.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const));
  const version = Number(values.get('version'));
  if (!(version <= FORMAT_VERSION)) throw needsVersion('journal', version, FORMAT_VERSION, `file=${filePath}`);
  const forkedFrom = values.get('forked');
  const ids = { clusterId: values.get('cluster') ?? '', incarnationId: values.get('incarnation') ?? '' };
  return forkedFrom === undefined ? ids : { ...ids, forkedFrom };
}

function forkLine({ forkedFrom }: FormatFile): string {
  return forkedFrom === undefined ? '' : `forked=${forkedFrom}\n`;
}

/** @throws with ENOENT where there is none; as `decodeFormat`. */
export async function readFormat(files: Files, filePath: string, direct: boolean): Promise<FormatFile> {
  await using file = await files.open(filePath, { direct });
  const page = files.buffers.take(PAGE_BYTES);
  try {
    await file.readExactly(page, 0);
    return decodeFormat(page, filePath);
  } finally {
    files.buffers.give(page);
  }
}

function hexCrc(lines: string): string {
  return crc32(lines).toString(16).padStart(8, '0');
}
