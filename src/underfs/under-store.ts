/**
 * Storage that is mounted into the namespace: a folder, a bucket. What the mounted storage holds is its own; the namespace mirrors it.
 *
 * Paths are relative to the store's root: `a/b`, with no slash at either end and no empty, `.` or `..` component (`invalid_argument`); the
 * root is the empty path. Nothing outside of the root is ever reached.
 *
 * **Every change may be repeated.** Callers work off a list that a takeover may begin again at the step that was running, so a step that was
 * done before is no error: deleting what is absent, making a folder that is there, renaming what is absent to what is there. A change that has
 * returned is durable. One that has thrown `unavailable` or `outcome_unknown` is to be sent again; every other code is final for this state of the store.
 *
 * Codes: `not_found`, `already_exists`, `permission_denied`, `failed_precondition` (not a folder, not a file, not empty),
 * `invalid_argument`, `resource_exhausted` (full), `unavailable`, `outcome_unknown`; `cancelled` once the signal is aborted.
 */

/** Entries in one page of a listing, at most. */
export const UNDER_PAGE_MAX = 1000;

export interface UnderEntry {
  /** Of a listing: the path from the listed folder. Of `stat`: the path asked for. */
  readonly name: string;
  readonly isDirectory: boolean;
  /** Bytes; 0 for a folder. */
  readonly length: number;
  /** Unix milliseconds, whole; 0 where the store does not know it. */
  readonly modifiedMs: number;
  /** Differs whenever the contents of a file may differ, as far as the store can tell; empty for a folder. */
  readonly fingerprint: string;
  /** Names, or numbers where the machine has no name; absent where the store has no such thing, as `group` and `mode`. */
  readonly owner?: string;
  readonly group?: string;
  /** The low twelve bits: permissions, set-id and sticky. */
  readonly mode?: number;
}

export interface UnderTraits {
  /** `file`, `s3`, `memory`. */
  readonly scheme: string;
  /** Whether folders are things of their own. Else one is there while something is below it, or its marker is. */
  readonly hasDirectories: boolean;
  /** Whether `rename` is one step for everybody. Else it is a copy and a delete for each file, which can be seen half done. */
  readonly renamesAtomically: boolean;
  /** Whether there are owners, groups and modes. Else `setAttributes` does nothing. */
  readonly hasAttributes: boolean;
  /** Whether listings come in the byte order of their paths, a folder's with a slash at the end, and take `startAfter`. */
  readonly listsInOrder: boolean;
}

export interface UnderListOptions {
  /** All that is below, a folder before what is in it. Default: the children only. */
  readonly recursive?: boolean;
  /** Leaves out this path, a folder's with its slash at the end, and all before it: to go on after a break. Only where `listsInOrder`. */
  readonly startAfter?: string;
  readonly signal?: AbortSignal;
  /** Told of each name that the namespace cannot have, or that leads elsewhere (symbolic links, devices), and why it is left out. */
  readonly onSkipped?: (name: string, reason: string) => void;
}

export interface UnderRange {
  readonly offset?: number;
  readonly length?: number;
  readonly signal?: AbortSignal;
}

export interface UnderWriteOptions {
  /** Bytes that have to come. */
  readonly length: number;
  readonly signal?: AbortSignal;
}

export interface UnderAttributes {
  readonly owner?: string;
  readonly group?: string;
  readonly mode?: number;
}

/** Calls may overlap. */
export interface UnderStore extends AsyncDisposable {
  /** As people write it, without secrets: `s3://bucket/prefix`, `/folder`. */
  readonly location: string;
  readonly traits: UnderTraits;

  /**
   * Pages of 1 to `UNDER_PAGE_MAX` entries, in bounded memory whatever the size of a folder. What changes meanwhile may or may not be in it.
   * Folders of parts (`PARTS_FOLDER`) are left out with all in them, unless one is listed itself.
   * Where folders are no things of their own, a file and a folder may come under one name: the file, which comes first, counts.
   *
   * @throws `not_found`, or `failed_precondition` where the path is a file.
   */
  list(path: string, options?: UnderListOptions): AsyncIterable<readonly UnderEntry[]>;

  /** @returns undefined where there is nothing. The root is there, or the store is `unavailable`. */
  stat(path: string, signal?: AbortSignal): Promise<UnderEntry | undefined>;

  /** Reads `length` bytes from `offset`, or to the end: in chunks that are the caller's. An offset at or past the end yields nothing. */
  open(path: string, range?: UnderRange): AsyncIterable<Uint8Array>;

  /** Makes the file with these bytes, in place of one that is there: readers see the old one or the new one. Missing folders above are made. */
  create(path: string, bytes: Uint8Array, signal?: AbortSignal): Promise<UnderEntry>;

  /**
   * As `create`, of bytes that come one after the other: in bounded memory, whatever the length. A chunk may be used again once the next is
   * asked for. What fails leaves the file as it was, and no more behind than a crash may: something that no listing shows.
   *
   * @throws `invalid_argument`: more or fewer bytes came. @throws what `chunks` throws.
   */
  write(path: string, chunks: AsyncIterable<Uint8Array>, options: UnderWriteOptions): Promise<UnderEntry>;

  /** Makes the folder and those missing above it. @throws `already_exists` where there is a file. */
  makeDirectory(path: string, signal?: AbortSignal): Promise<void>;

  /**
   * Moves a file, in place of one that is there, or a folder with all in it. Missing folders above the target are made. A folder that moves onto
   * one that is not empty is refused where renames are atomic, and merged into it elsewhere.
   *
   * @throws `not_found` where neither is there; `invalid_argument` for the root, or a target below the source.
   */
  rename(from: string, to: string, signal?: AbortSignal): Promise<void>;

  /** @throws `failed_precondition` where the folder is not empty and `recursive` is not set; `invalid_argument` for the root. */
  delete(path: string, options?: { readonly recursive?: boolean; readonly signal?: AbortSignal }): Promise<void>;

  /** Sets those that are given. @throws `not_found`; `invalid_argument` for a name that the machine does not know. */
  setAttributes(path: string, attributes: UnderAttributes, signal?: AbortSignal): Promise<void>;

  /** Idempotent. What is in flight is given up. */
  close(): Promise<void>;
}
