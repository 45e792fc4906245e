/** What a store of blocks needs of files beside what all others do. */
import type { Files } from '../base/files.js';

/** Files, some of which are given another name. */
export interface BlockFiles extends Files {
  /** In one file system; what is at `to` is replaced. */
  rename(from: string, to: string): Promise<void>;
}
