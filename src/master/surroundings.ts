/**
 * What the program around a master knows, and a master only passes on: how it was started, what its storage has left, how its process is.
 */

export interface SettingShown {
  /** With `understudy.` before it. */
  readonly key: string;
  /** A secret is hidden. */
  readonly value: string;
}

export interface StorageSpace {
  /** `metastore` or `journal`. */
  readonly name: string;
  /** A folder, or the URI of a bucket. */
  readonly place: string;
  /** 0: without bound. */
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Why that cannot be told; empty where it can. */
  readonly error: string;
}

export interface Surroundings {
  readonly settings: readonly SettingShown[];
  /** Resolves soon, also where storage does not answer. Never rejects. */
  storage(): Promise<readonly StorageSpace[]>;
  /** Figures of the process by name, whole numbers. */
  figures(): Readonly<Record<string, number>>;
}

/** Of a master within a larger program. */
export const NO_SURROUNDINGS: Surroundings = { settings: [], storage: async () => [], figures: () => ({}) };
