/**
 * What this program tells its master about itself and its host, for operators to be told.
 *
 * Storage that hangs (a network mount whose server is gone) holds up one look for good, and no other: until that look ends there is no second
 * one, and whoever asks is told after a short wait that it does not answer.
 */
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../config/settings.js';
import type { LiveSettings } from '../master/live-settings.js';
import type { SettingShown, StorageSpace, Surroundings } from '../master/surroundings.js';

const LOOK_MS_MAX = 1_000;

interface Place {
  readonly name: string;
  readonly place: string;
  looking: Promise<StorageSpace> | undefined;
}

export class HostSurroundings implements Surroundings {
  readonly #live: Pick<LiveSettings, 'rows'>;
  readonly #places: readonly Place[];

  constructor(settings: Settings, live: Pick<LiveSettings, 'rows'>) {
    this.#live = live;
    this.#places = [
      { name: 'metastore', place: settings.masterMetastoreDir, looking: undefined },
      { name: 'journal', place: settings.masterJournalFolder, looking: undefined },
    ];
  }

  get settings(): readonly SettingShown[] {
    return this.#live.rows();
  }

  storage(): Promise<readonly StorageSpace[]> {
    return Promise.all(this.#places.map((place) => spaceOf(place)));
  }
}

async function spaceOf(at: Place): Promise<StorageSpace> {
  const { name, place } = at;
  if (!place.startsWith('/')) return { name, place, totalBytes: 0, freeBytes: 0, error: '' };
  at.looking ??= look(at).finally(() => {
    at.looking = undefined;
  });
  const done = new AbortController();
  const late = sleep(LOOK_MS_MAX, undefined, { signal: done.signal }).then(
    () => ({ name, place, totalBytes: 0, freeBytes: 0, error: 'it does not answer' }),
    () => undefined,
  );
  const found = await Promise.race([at.looking, late]);
  done.abort();
  return found ?? (await at.looking);
}

async function look({ name, place }: Place): Promise<StorageSpace> {
  try {
    const { bsize, blocks, bavail } = await statfs(place);
    return { name, place, totalBytes: bsize * blocks, freeBytes: bsize * bavail, error: '' };
  } catch (error) {
    return { name, place, totalBytes: 0, freeBytes: 0, error: error instanceof Error ? error.message : String(error) };
  }
}
