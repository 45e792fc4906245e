/**
 * The settings of the journal, as its implementation takes them.
 */
import { UnderstudyError } from '../base/errors.js';
import type { Settings } from '../config/settings.js';
import type { DirectoryJournalSettings } from '../journal/directory-layout.js';

/** @throws `unimplemented`: the journal is to be on a storage that this version does not know. */
export function directoryJournalSettings(settings: Settings): DirectoryJournalSettings {
  const folder = settings.masterJournalFolder;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(folder) && !folder.startsWith('file://')) {
    throw new UnderstudyError('unimplemented', `a journal can be in a folder only: understudy.master.journal.folder=${folder}`);
  }
  const pollIntervalMs = settings.masterJournalTailerPollIntervalMs;
  return {
    folder: folder.replace(/^file:\/\//, ''),
    segmentBytes: settings.masterJournalLogSizeBytesMax,
    batchBytesMax: settings.masterJournalBatchSizeMaxBytes,
    freeBytesReserve: settings.masterJournalFreeSpaceReserveBytes,
    ...(pollIntervalMs === 'auto' ? {} : { pollIntervalMs }),
  };
}
