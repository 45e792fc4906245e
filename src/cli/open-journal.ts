/**
 * The journal that the settings ask for: in a folder, or on S3. Every command that needs one opens or formats it here.
 */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Metrics } from '../base/metrics.js';
import type { Random } from '../base/random.js';
import { systemFiles } from '../base/system-file.js';
import type { Settings } from '../config/settings.js';
import { DirectoryJournal } from '../journal/directory-journal.js';
import type { DirectoryJournalSettings } from '../journal/directory-layout.js';
import { DirectorySurvey } from '../journal/directory-survey.js';
import { type FormatOptions, formatDirectoryJournal } from '../journal/format-directory.js';
import type { FormatFile } from '../journal/format-file.js';
import { formatObjectJournal } from '../journal/format-object-journal.js';
import type { Journal } from '../journal/journal.js';
import type { JournalSurvey } from '../journal/journal-survey.js';
import { ObjectJournal } from '../journal/object-journal.js';
import type { ObjectJournalSettings } from '../journal/object-layout.js';
import type { ObjectStore } from '../journal/object-store.js';
import { ObjectSurvey } from '../journal/object-survey.js';
import { s3ConnectionSettings } from './s3-connection-settings.js';

export interface JournalDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: Metrics;
}

/** Disposing it closes the journal and all that it stands on. */
export interface OpenJournal extends AsyncDisposable {
  readonly journal: Journal;
}

/** Where the journal is: a folder of this machine, or a bucket. */
export type JournalPlace =
  | { readonly kind: 'folder'; readonly settings: DirectoryJournalSettings }
  | { readonly kind: 'bucket'; readonly settings: ObjectJournalSettings; readonly bucket: string; readonly prefix: string };

export function journalPlace(settings: Settings): JournalPlace {
  const folder = settings.masterJournalFolder;
  const pollIntervalMs = settings.masterJournalTailerPollIntervalMs;
  const shared = {
    batchBytesMax: settings.masterJournalBatchSizeMaxBytes,
    ...(pollIntervalMs === 'auto' ? {} : { pollIntervalMs }),
  };
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(folder) ?? [];
  if (bucket !== undefined) {
    const giveUpMs = 2 * settings.masterJournalS3RequestTimeoutMs;
    return { kind: 'bucket', settings: { ...shared, giveUpMs }, bucket, prefix: prefix === '' ? '' : `${prefix}/` };
  }
  return {
    kind: 'folder',
    settings: {
      ...shared,
      folder: folder.replace(/^file:\/\//, ''),
      segmentBytes: settings.masterJournalLogSizeBytesMax,
      freeBytesReserve: settings.masterJournalFreeSpaceReserveBytes,
    },
  };
}

/**
 * @param toLead whether it may be claimed: its storage is tried first, so that one which is not fit for a journal is refused at once.
 * @throws as `DirectoryJournal.open`, `ObjectJournal.open` and `ObjectJournal.probe`.
 */
export async function openJournal(settings: Settings, deps: JournalDeps, { toLead = false } = {}): Promise<OpenJournal> {
  const place = journalPlace(settings);
  if (place.kind === 'folder') {
    const journal = await DirectoryJournal.open(place.settings, { ...deps, files: systemFiles });
    return { journal, [Symbol.asyncDispose]: () => journal.close() };
  }
  const store = await openBucket(settings, place, deps);
  try {
    const journal = await ObjectJournal.open(place.settings, { ...deps, store });
    if (toLead) await journal.probe();
    return {
      journal,
      async [Symbol.asyncDispose]() {
        await journal.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** For looking at it as it lies there. @throws as `DirectorySurvey.open`, `ObjectSurvey.open`. */
export async function openSurvey(settings: Settings, deps: JournalDeps): Promise<JournalSurvey> {
  const place = journalPlace(settings);
  if (place.kind === 'folder') return DirectorySurvey.open(place.settings, { ...deps, files: systemFiles });
  const store = await openBucket(settings, place, deps);
  try {
    return await ObjectSurvey.open(place.settings, { ...deps, store });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** @throws as `formatDirectoryJournal`, `formatObjectJournal`. */
export async function formatJournal(settings: Settings, deps: JournalDeps, options: FormatOptions = {}): Promise<FormatFile> {
  const place = journalPlace(settings);
  if (place.kind === 'folder') return formatDirectoryJournal(place.settings, { ...deps, files: systemFiles }, options);
  await using store = await openBucket(settings, place, deps);
  return await formatObjectJournal(place.settings, { ...deps, store }, options);
}

/** The bucket with its prefix. The SDK takes its time to load: only those who need it pay. */
export async function openBucket(
  settings: Settings,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  deps: { readonly clock: Clock },
): Promise<ObjectStore> {
  const { S3ObjectStore } = await import('../journal/s3-object-store.js');
  return new S3ObjectStore({ ...s3ConnectionSettings(settings, settings.masterJournalS3RequestTimeoutMs), bucket, prefix }, deps);
}
