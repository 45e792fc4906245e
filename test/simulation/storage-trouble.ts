/**
 * What shared storage does to a journal. A folder and a bucket have these in their own ways, and not all of them.
 *
 * `errors`: some requests fail: nothing of what was asked has happened then, or part, or all. `gone`: nothing gets through. `unsynced`: it takes
 * what is written, and some of the syncs that are to keep it fail. `full`: it takes nothing more. `read-only`: the same, and says so. `slow`: all
 * of it takes long. `late`: some of what was asked happens much later, perhaps when nobody who asked is alive, and nobody is told. `unanswered`:
 * it happens, and nobody is told. `twice`: it happens twice, the second time late. `partial`: some names cannot be reached, the rest can.
 * `throttled`: nearly all is refused for now. `unreadable`: reads and listings fail. `stale`: readers are shown what was there a while ago.
 */
export type StorageTrouble =
  | 'errors'
  | 'gone'
  | 'unsynced'
  | 'full'
  | 'read-only'
  | 'slow'
  | 'late'
  | 'unanswered'
  | 'twice'
  | 'partial'
  | 'throttled'
  | 'unreadable'
  | 'stale';

/** So long something may be under way. */
export const LATE_MS = [1, 40_000] as const;
