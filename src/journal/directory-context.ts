/** What opening a journal's folder begins with, for masters and for tools: how to read it, and what its FORMAT says. */
import { UnderstudyError } from '../base/errors.js';
import { errnoOf } from '../base/files.js';
import {
  type DirectoryContext,
  type DirectoryJournalDeps,
  type DirectoryJournalSettings,
  formatPath,
  withDefaults,
} from './directory-layout.js';
import { type FormatFile, readFormat } from './format-file.js';

/** @throws as `DirectoryJournal.open`. */
export async function openDirectoryContext(
  settings: DirectoryJournalSettings,
  deps: DirectoryJournalDeps,
): Promise<{ context: DirectoryContext; format: FormatFile }> {
  const { folder } = settings;
  const direct = await hasFolder(folder, () => isShared(settings, deps));
  const format = await hasFolder(folder, () => readFormat(deps.files, formatPath(folder), direct));
  if (settings.clusterId !== undefined && settings.clusterId !== format.clusterId) {
    throw new UnderstudyError(
      'failed_precondition',
      `the journal belongs to another cluster: folder=${folder} cluster=${format.clusterId} configured=${settings.clusterId}`,
    );
  }
  return { context: directoryContext(settings, deps, direct, format), format };
}

/** @returns whether other machines write here too. @throws with ENOENT where there is no folder. */
export async function isShared({ folder, isShared: said }: DirectoryJournalSettings, { files }: DirectoryJournalDeps): Promise<boolean> {
  return said ?? !(await files.isLocalFolder(folder));
}

export function directoryContext(
  settings: DirectoryJournalSettings,
  deps: DirectoryJournalDeps,
  direct: boolean,
  format: FormatFile,
): DirectoryContext {
  const incarnation = Uint8Array.from(Buffer.from(format.incarnationId, 'hex'));
  return { settings: withDefaults(settings, direct), deps, direct, incarnation };
}

async function hasFolder<T>(folder: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new UnderstudyError('failed_precondition', `there is no journal here: format it first: folder=${folder}`, { cause: error });
  }
}
