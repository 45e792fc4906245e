/**
 * Makes a directory journal: everything else durable first, FORMAT last and exclusively.
 *
 * - Without force nothing is ever removed: what is not an empty folder is refused, were it a live journal whose FORMAT was lost. LEDGER is
 *   made exclusively, so of two that format at once one goes on and the other has changed nothing.
 * - With force a claim comes first, so that a live leader is fenced. Only names of ours are removed: FORMAT first, LEDGER last, so nobody
 *   else can begin to make a journal here before all of the old one is gone. The file FORMATTING keeps two of these apart.
 * - A format that was interrupted leaves no FORMAT, so no journal; only force goes over what it left.
 */
import path from 'node:path';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { errnoOf, type Files } from '../base/files.js';
import { directoryContext, isShared } from './directory-context.js';
import { importDirectory } from './directory-import.js';
import { DirectoryJournal } from './directory-journal.js';
import {
  CHECKPOINT_NAME,
  checkpointFolder,
  claimsFolder,
  type DirectoryContext,
  type DirectoryJournalDeps,
  type DirectoryJournalSettings,
  formatPath,
  ledgerPath,
  logFolder,
  PROBE_NAME,
  SEGMENT_NAME,
} from './directory-layout.js';
import { encodeFormat, type FormatFile } from './format-file.js';
import { type ClaimRequest, GENESIS } from './journal.js';
import type { JournalContents } from './journal-contents.js';
import { LEDGER_BYTES } from './ledger.js';

/** The folders of a journal, and the names in them that are its own. */
const FOLDERS: readonly { readonly at: (folder: string) => string; readonly ours: readonly RegExp[] }[] = [
  { at: claimsFolder, ours: [/^\d+$/] },
  { at: logFolder, ours: [SEGMENT_NAME, PROBE_NAME] },
  { at: checkpointFolder, ours: [CHECKPOINT_NAME] },
];

export interface FormatOptions {
  /** Also where there is a journal: its leader is fenced first, by a claim with this entry, then everything in it is deleted. */
  readonly force?: Pick<ClaimRequest, 'entry'>;
  /** What the journal is to begin with, instead of nothing. Its cluster id counts, unless the settings name one. */
  readonly contents?: JournalContents;
  /** Default: a new one. */
  readonly incarnationId?: string;
}

/**
 * @returns the new ids. `settings.clusterId` is kept where it is given.
 * @throws `already_exists`: there is a journal, or what may be left of one; without `force` nothing was changed.
 * @throws `failed_precondition`: another format with force is under way, or one was interrupted.
 */
export async function formatDirectoryJournal(
  settings: DirectoryJournalSettings,
  deps: DirectoryJournalDeps,
  options: FormatOptions = {},
): Promise<FormatFile> {
  const folder = path.resolve(settings.folder);
  const { contents, force } = options;
  const format: FormatFile = {
    clusterId: settings.clusterId ?? contents?.clusterId ?? `cluster-${hex(deps, 8)}`,
    incarnationId: options.incarnationId ?? hex(deps, 16),
    forkedFrom: contents?.forkedFrom,
  };
  await deps.files.makeFolderDurable(folder);
  const found = await whatIsThere(deps.files, folder);
  const make = (): Promise<void> => makeJournal({ ...settings, folder }, deps, format, contents);
  if (found === undefined) await make();
  else if (force === undefined) throw new UnderstudyError('already_exists', found);
  else await replaceJournal({ ...settings, folder }, deps, force, make);
  return format;
}

/** @returns what forbids a journal to be made here, if anything does. */
async function whatIsThere(files: Files, folder: string): Promise<string | undefined> {
  if (await files.exists(formatPath(folder))) return `there is a journal already: folder=${folder}`;
  const names = (await files.exists(ledgerPath(folder))) ? ['LEDGER'] : [];
  for (const { at } of FOLDERS) if ((await namesIn(files, at(folder))).length > 0) names.push(`${path.basename(at(folder))}/`);
  if (names.length === 0) return undefined;
  return `there is no FORMAT, yet what may be a journal that lost it, or what an interrupted format left: folder=${folder} found=${names}`;
}

async function makeJournal(
  settings: DirectoryJournalSettings,
  deps: DirectoryJournalDeps,
  format: FormatFile,
  contents: JournalContents | undefined,
): Promise<void> {
  const { folder } = settings;
  const { files } = deps;
  for (const { at } of FOLDERS) await files.makeFolderDurable(at(folder));
  try {
    await using ledger = await files.open(ledgerPath(folder), { write: true, create: 'exclusive' });
    await ledger.truncate(LEDGER_BYTES);
    await ledger.sync();
    await files.syncFolder(folder);
    if (!(await ledger.isStillAtPath())) throw new UnderstudyError('already_exists', `another format came between: folder=${folder}`);
    if (contents !== undefined) await fill(directoryContext(settings, deps, await isShared(settings, deps), format), contents);
    await files.createFileDurable(formatPath(folder), encodeFormat(format));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    throw new UnderstudyError('already_exists', `another format came first: folder=${folder}`, { cause: error });
  }
}

/** What was begun is removed where it fails: it would look like a journal that lost its FORMAT. */
async function fill(context: DirectoryContext, contents: JournalContents): Promise<void> {
  try {
    await importDirectory(context, contents);
  } catch (error) {
    await removeJournal(context.deps.files, context.settings.folder);
    throw error;
  }
}

async function replaceJournal(
  settings: DirectoryJournalSettings,
  deps: DirectoryJournalDeps,
  claim: Pick<ClaimRequest, 'entry'>,
  make: () => Promise<void>,
): Promise<void> {
  const { folder } = settings;
  const { files } = deps;
  const turn = path.join(folder, 'FORMATTING');
  try {
    await files.createFileDurable(turn);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const what = 'another format is under way, or one was interrupted: if none is, remove this file and format again';
    throw new UnderstudyError('failed_precondition', `${what}: file=${turn}`, { cause: error });
  }
  try {
    await fenceLeader(settings, deps, claim);
    await removeJournal(files, folder);
    await make();
  } finally {
    await files.removeFile(turn);
  }
}

/** A journal that cannot be claimed has no leader that goes on for long: what follows ends it. A storage that takes no writes is left alone. */
async function fenceLeader(
  settings: DirectoryJournalSettings,
  deps: DirectoryJournalDeps,
  claim: Pick<ClaimRequest, 'entry'>,
): Promise<void> {
  try {
    const { clusterId: _, ...any } = settings;
    await using journal = await DirectoryJournal.open(any, deps);
    const { boundary } = await journal.checkpoints.published();
    const writer = await journal.claim({ from: boundary?.point ?? GENESIS, entry: claim.entry, deliver: () => undefined });
    await writer.close();
  } catch (thrown) {
    const error = asError(thrown);
    const errno = errnoOf(error);
    if (isError(error, 'outcome_unknown') || (errno !== undefined && errno !== 'ENOENT')) throw error;
    deps.log.warn({ error, folder: settings.folder }, 'formatting over a journal that cannot be claimed');
  }
}

async function removeJournal(files: Files, folder: string): Promise<void> {
  await files.removeFile(formatPath(folder));
  await files.syncFolder(folder);
  for (const { at, ours } of FOLDERS) {
    for (const name of await namesIn(files, at(folder))) {
      if (ours.some((pattern) => pattern.test(name))) await files.removeFile(path.join(at(folder), name));
    }
  }
  await files.removeFile(ledgerPath(folder));
  await files.syncFolder(folder);
}

async function namesIn(files: Files, folder: string): Promise<readonly string[]> {
  try {
    return await files.listFolder(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function hex(deps: DirectoryJournalDeps, bytes: number): string {
  return Buffer.from(deps.random.bytes(bytes)).toString('hex');
}
