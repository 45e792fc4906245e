/**
 * Makes a directory journal: everything else durable first, FORMAT last and exclusively. A folder left half made by a crash has no
 * FORMAT, and can be formatted again.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { isError, UnderstudyError } from '../base/errors.js';
import { createFileDurable, errnoOf, isLocalFolder, makeFolderDurable, SystemFile, syncFolder } from '../base/system-file.js';
import { DirectoryJournal } from './directory-journal.js';
import {
  checkpointFolder,
  claimsFolder,
  type DirectoryJournalDeps,
  type DirectoryJournalSettings,
  formatPath,
  ledgerPath,
  logFolder,
} from './directory-layout.js';
import { encodeFormat, type FormatFile, readFormat } from './format-file.js';
import { GENESIS } from './journal.js';
import { LEDGER_BYTES } from './ledger.js';

/** Names that belong to a journal: nothing else in the folder is touched. */
const FOLDERS = [claimsFolder, logFolder, checkpointFolder];

/**
 * @param options.force also where there is a journal: its leader is fenced first, then everything in it is deleted.
 * @returns the new ids. `settings.clusterId` is kept where it is given.
 * @throws `already_exists` where there is a journal, without `force`.
 */
export async function formatDirectoryJournal(
  settings: DirectoryJournalSettings,
  deps: DirectoryJournalDeps,
  options: { readonly force?: boolean } = {},
): Promise<FormatFile> {
  const folder = path.resolve(settings.folder);
  await makeFolderDurable(folder);
  if (await hasFormat(folder)) {
    if (options.force !== true) throw new UnderstudyError('already_exists', `there is a journal already: folder=${folder}`);
    await fenceLeader({ ...settings, folder }, deps);
    await fs.rm(formatPath(folder), { force: true });
    await syncFolder(folder);
  }
  for (const name of FOLDERS) {
    await fs.rm(name(folder), { recursive: true, force: true });
    await makeFolderDurable(name(folder));
  }
  await fs.rm(ledgerPath(folder), { force: true });
  await makeLedger(folder);
  const format: FormatFile = {
    clusterId: settings.clusterId ?? `cluster-${hex(deps, 8)}`,
    incarnationId: hex(deps, 16),
  };
  await createFileDurable(formatPath(folder), encodeFormat(format));
  return format;
}

async function makeLedger(folder: string): Promise<void> {
  await using ledger = await SystemFile.open(ledgerPath(folder), { write: true, create: 'exclusive' });
  await ledger.truncate(LEDGER_BYTES);
  await ledger.sync();
  await syncFolder(folder);
}

/** A journal too damaged to be claimed has no leader that could commit to it for long: the deletion below ends it. */
async function fenceLeader(settings: DirectoryJournalSettings, deps: DirectoryJournalDeps): Promise<void> {
  try {
    const { clusterId: _, ...any } = settings;
    await using journal = await DirectoryJournal.open(any, deps);
    const entry = (): { bytes: Uint8Array; timeMs: number } => ({ bytes: new Uint8Array(0), timeMs: deps.clock.wallMs() });
    const writer = await journal.claim({ from: GENESIS, entry, deliver: () => undefined });
    await writer.close();
  } catch (error) {
    if (!isError(error, 'corrupt')) throw error;
    deps.log.warn({ error, folder: settings.folder }, 'formatting over a damaged journal');
  }
}

async function hasFormat(folder: string): Promise<boolean> {
  try {
    await readFormat(formatPath(folder), !(await isLocalFolder(folder)));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    if (isError(error, 'corrupt')) return true;
    throw error;
  }
}

function hex(deps: DirectoryJournalDeps, bytes: number): string {
  return Buffer.from(deps.random.bytes(bytes)).toString('hex');
}
