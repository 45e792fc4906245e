/**
 * What a leader has seen of work that is still to be done: why mounted storage does not have files yet that it is to have, for those who wait; and how much
 * is left. It is no part of the state: whoever leads next tries again, and sees for itself.
 */

/** Those that began to be in trouble first are forgotten. */
const FILES_MAX = 4_096;

export class StorageTroubles {
  /** By inode. */
  readonly #files = new Map<number, string>();
  /** Of the changes that are queued, by mount. */
  readonly #mounts = new Map<number, string>();

  /** @returns why a file was not persisted when that was tried last; empty: that is not known. */
  readonly ofFile = (inodeId: number): string => this.#files.get(inodeId) ?? '';

  /** @returns why a mount's storage did not take the change that is next; empty: it did, or has not been asked. */
  readonly ofMount = (mountId: number): string => this.#mounts.get(mountId) ?? '';

  /** Files that wait to be persisted, as of the last round through them. */
  filesWaiting = 0;
  /** @returns for how long the file has waited that has waited longest; null where none does. */
  waitSeconds: () => number | null = () => null;
  /** Blocks that are nowhere, as of the last look through all files; null: there was none. */
  blocksLost: number | null = null;
  /** Blocks with fewer copies than they are to have on workers that stay, as of the last round through all. */
  blocksUnderReplicated = 0;

  noteFile(inodeId: number, why: string): void {
    this.#files.set(inodeId, why);
    const [first] = this.#files.keys();
    if (this.#files.size > FILES_MAX && first !== undefined) this.#files.delete(first);
  }

  fileIsOver(inodeId: number): void {
    this.#files.delete(inodeId);
  }

  noteMount(mountId: number, why: string): void {
    this.#mounts.set(mountId, why);
  }

  mountIsOver(mountId: number): void {
    this.#mounts.delete(mountId);
  }
}
