/**
 * What the program around a master knows, and a master only passes on: how it was started, what its storage has left.
 */

export interface SettingShown {
  /** Without `understudy.`. */
  readonly key: string;
  /** A secret is hidden. */
  readonly value: string;
  /** `default`, or where it was set: a file and line, the environment, the command line, `journal`. */
  readonly source: string;
  /** What the journal overrides, and where that stands; empty where it overrides nothing. */
  readonly overridden: string;
  /** What holds once this master is started again; null: no other value. */
  readonly pending: string | null;
  /** Of a secret that is set: alike on masters that have the same one; else empty. */
  readonly mark: string;
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
}

/** Of a master within a larger program. */
export const NO_SURROUNDINGS: Surroundings = { settings: [], storage: async () => [] };
