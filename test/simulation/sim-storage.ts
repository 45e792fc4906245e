/**
 * A simulated file system that several hosts use, as it is at one moment: names and files, what of them is durable, and what each host believes.
 *
 * - `local`: one cache. What one writes, all see at once.
 * - `shared`, as NFS and FUSE have it: what a host writes may stay with it until it syncs or closes, or some seconds. What it reads, lists and
 *   looks up may be as old as `staleMs`, absences too, and pages that it has read as old as `pageStaleMs`. Direct reads and writes, and whatever
 *   makes or removes a name, ask the storage.
 *
 * A power cut keeps what was synced: of other contents any pieces, of the names in folders that were not synced, any.
 */
import path from 'node:path';
import { PAGE_BYTES } from '../../src/base/files.js';
import type { SeededRandom } from './seeded-random.js';
import { SimInode, type SyncScope } from './sim-inode.js';

export interface SimStorageSettings {
  readonly kind: 'local' | 'shared';
  /** What a host was told may count for it so long. */
  readonly staleMs: number;
  /** The same of the pages of files that it has read: caches keep them longer. */
  readonly pageStaleMs: number;
  /** So long a host keeps to itself what it was given to write. */
  readonly unsentMs: number;
  /** What the disk writes whole. */
  readonly pieceBytes: number;
  readonly capacityPages: number;
}

/** An errno, as the operating system says it. */
export class SimErrno extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** What a host was told, and until when it believes that. */
interface Told<T> {
  readonly value: T;
  readonly untilMs: number;
}

/** What a host believes. */
class HostCache {
  readonly names = new Map<string, Told<SimInode | undefined>>();
  readonly listings = new Map<string, Told<readonly string[]>>();
  readonly sizes = new Map<number, Told<number>>();
  readonly pages = new Map<string, Told<Uint8Array>>();
}

export class SimStorage {
  readonly settings: SimStorageSettings;
  isReadOnly = false;
  /** So many times as long as usual things are stale. */
  staleness = 1;
  /** Pages that are taken by nobody, and cannot be had. */
  withheldPages = 0;
  /** Files whose names were removed, by these: for who looks at all that ever was. */
  readonly removed = new Map<string, SimInode>();
  /** Hears of all that is written, on its way. */
  wrote: ((inode: SimInode, bytes: Uint8Array, position: number) => void) | undefined;
  /** Hears of each name that is removed. */
  wentName: ((name: string, inode: SimInode) => void) | undefined;
  readonly #nowMs: () => number;
  readonly #random: SeededRandom;
  readonly #names = new Map<string, SimInode>();
  /** Names that were made or removed and whose folder was not synced since: what is durable. */
  readonly #unsynced = new Map<string, SimInode | undefined>();
  /** Of those, the names that files were given in place of others: both are durable, or neither. */
  readonly #renamedFrom = new Map<string, string>();
  readonly #hosts = new Map<string, HostCache>();
  #inodes = 0;
  #pages = 0;

  constructor(settings: SimStorageSettings, nowMs: () => number, random: SeededRandom) {
    this.settings = settings;
    this.#nowMs = nowMs;
    this.#random = random;
    this.#names.set('/', this.#newInode('/', true));
  }

  get isLocal(): boolean {
    return this.settings.kind === 'local';
  }

  get freePages(): number {
    return Math.max(0, this.settings.capacityPages - this.#pages - this.withheldPages);
  }

  /** @returns what the name leads to, as `host` believes. */
  lookUp(host: string, name: string): SimInode | undefined {
    return this.#asTold(this.#cache(host).names, name, () => this.#names.get(name));
  }

  /** @returns what the name leads to in truth. */
  at(name: string): SimInode | undefined {
    return this.#names.get(name);
  }

  /** @returns all names and what they lead to, in truth. */
  files(): IterableIterator<[name: string, inode: SimInode]> {
    return this.#names.entries();
  }

  /** Makes a file or folder: asks the storage. */
  create(host: string, name: string, isFolder: boolean): SimInode {
    this.#checkWritable();
    if (this.#names.get(path.dirname(name)) === undefined) throw new SimErrno('ENOENT');
    if (this.#names.has(name)) throw new SimErrno('EEXIST');
    if (this.freePages === 0) throw new SimErrno('ENOSPC');
    const inode = this.#newInode(name, isFolder);
    this.#setName(name, inode);
    this.#cache(host).names.delete(name);
    return inode;
  }

  remove(host: string, name: string): void {
    this.#checkWritable();
    const inode = this.#names.get(name);
    if (inode === undefined) return;
    this.#setName(name, undefined);
    this.removed.set(name, inode);
    this.#pages -= inode.pages;
    this.#cache(host).names.delete(name);
    this.wentName?.(name, inode);
  }

  /** What is at `to` is replaced. For disks of one machine: in one file system, whose journal has both names or none. */
  rename(from: string, to: string): void {
    this.#checkWritable();
    const inode = this.#names.get(from);
    if (inode === undefined || this.#names.get(path.dirname(to)) === undefined) throw new SimErrno('ENOENT');
    if (from === to) return;
    this.#pages -= this.#names.get(to)?.pages ?? 0;
    this.#setName(from, undefined);
    this.#setName(to, inode);
    this.#renamedFrom.set(to, this.#renamedFrom.get(from) ?? from);
  }

  list(host: string, folder: string): readonly string[] {
    if (this.lookUp(host, folder) === undefined) throw new SimErrno('ENOENT');
    return this.#asTold(this.#cache(host).listings, folder, () => this.under(folder).map((name) => path.basename(name)));
  }

  /** @returns what is in the folder in truth, as whole names. */
  under(folder: string): string[] {
    const under = folder === '/' ? '/' : `${folder}/`;
    return [...this.#names.keys()].filter((name) => name.startsWith(under) && name !== '/' && !name.includes('/', under.length));
  }

  size(host: string, inode: SimInode): number {
    this.#send(inode, host);
    return this.#asTold(this.#cache(host).sizes, inode.id, () => inode.size);
  }

  read(host: string, inode: SimInode, buffer: Uint8Array, position: number, direct: boolean): number {
    if (!direct && !this.isLocal && (inode.links > 0 || this.#random.chance(0.5))) return this.#readCached(host, inode, buffer, position);
    this.#checkThere(inode);
    this.#send(inode, host);
    return inode.read(buffer, position, direct);
  }

  /** Who has a file open that was removed elsewhere, has lost it. */
  #checkThere(inode: SimInode): void {
    if (!this.isLocal && inode.links === 0 && inode.name !== '/') throw new SimErrno('ESTALE');
  }

  /** Page by page, each as old as it happens to be in this host's cache; what the host itself has written is in it. */
  #readCached(host: string, inode: SimInode, buffer: Uint8Array, position: number): number {
    this.#send(inode, undefined);
    const own = inode.unsent.filter((write) => write.host === host);
    const size = own.reduce((end, { position: at, bytes }) => Math.max(end, at + bytes.length), this.size(host, inode));
    const count = Math.max(0, Math.min(buffer.length, size - position));
    buffer.fill(0, 0, count);
    const { pages } = this.#cache(host);
    for (let at = 0; at < count; ) {
      const index = Math.floor((position + at) / PAGE_BYTES);
      const page = this.#asTold(
        pages,
        `${inode.id}/${index}`,
        () => {
          const bytes = new Uint8Array(PAGE_BYTES);
          inode.read(bytes, index * PAGE_BYTES, false);
          return bytes;
        },
        this.settings.pageStaleMs,
      );
      const from = position + at - index * PAGE_BYTES;
      const part = page.subarray(from, Math.min(PAGE_BYTES, from + count - at));
      buffer.set(part, at);
      at += part.length;
    }
    for (const { position: at, bytes } of own) {
      const from = Math.max(at, position);
      const to = Math.min(at + bytes.length, position + count);
      if (from < to) buffer.set(bytes.subarray(from - at, to - at), from - position);
    }
    return count;
  }

  /** @returns how many bytes found room. */
  write(host: string, inode: SimInode, bytes: Uint8Array, position: number, direct: boolean): number {
    this.#checkWritable();
    const count = this.#room(inode, bytes.length, position);
    if (count === 0) throw new SimErrno('ENOSPC');
    const part = bytes.subarray(0, count);
    this.wrote?.(inode, part, position);
    if (this.isLocal || direct) {
      this.#checkThere(inode);
      this.#send(inode, host);
      this.#write(inode, part, position);
    } else {
      const atMs = this.#nowMs() + this.#random.float() * this.settings.unsentMs;
      inode.unsent.push({ host, atMs, position, bytes: part });
    }
    this.#forgetPages(host, inode, position, count);
    return count;
  }

  truncate(host: string, inode: SimInode, size: number): void {
    this.#checkWritable();
    this.#checkThere(inode);
    this.#send(inode, host);
    inode.truncate(size);
    this.#cache(host).sizes.delete(inode.id);
  }

  /** @returns whether the file, with this in it, would be there after a power cut now. */
  isDurable(inode: SimInode, bytes: Uint8Array, position: number): boolean {
    return this.#names.get(inode.name) === inode && !this.#unsynced.has(inode.name) && inode.isDurable(bytes, position);
  }

  /** Of a sync that begins now. */
  scope(host: string, inode: SimInode): SyncScope {
    this.#checkThere(inode);
    this.#send(inode, host);
    return inode.scope();
  }

  /** The sync has done its work: contents of a file, names in a folder. */
  synced(inode: SimInode, scope: SyncScope): void {
    inode.synced(scope);
    if (!inode.isFolder) return;
    for (const name of [...this.#unsynced.keys()]) {
      if (path.dirname(name) !== inode.name) continue;
      this.#unsynced.delete(name);
      this.#renamedFrom.delete(name);
    }
  }

  /** The sync has failed for good. */
  dropped(inode: SimInode, scope: SyncScope): void {
    if (!inode.isFolder) inode.dropped(scope, this.#random);
  }

  /** A host has closed the file: what it wrote is sent. */
  closed(host: string, inode: SimInode): void {
    this.#send(inode, host);
  }

  /** The host's cache is lost: of what it had not sent, some was sent at the last moment. */
  hostCrash(host: string): void {
    this.#hosts.delete(host);
    for (const inode of new Set(this.#names.values())) {
      const kept = inode.unsent.filter((write) => write.host !== host);
      if (kept.length === inode.unsent.length) continue;
      for (const { host: by, position, bytes } of inode.unsent)
        if (by === host && this.#random.chance(0.5)) this.#write(inode, bytes, position);
      inode.unsent = kept;
    }
  }

  powerCut(): void {
    this.#hosts.clear();
    const undone = new Map<string, boolean>();
    for (const [name, durable] of [...this.#unsynced]) {
      const first = this.#renamedFrom.get(name) ?? name;
      const isUndone = undone.get(first) ?? this.#random.chance(0.5);
      undone.set(first, isUndone);
      if (isUndone) this.#put(name, durable);
    }
    this.#unsynced.clear();
    this.#renamedFrom.clear();
    for (const name of [...this.#names.keys()].sort()) if (name !== '/' && !this.#names.has(path.dirname(name))) this.#put(name, undefined);
    this.#pages = 0;
    for (const inode of new Set(this.#names.values())) {
      inode.powerCut(this.#random, this.settings.pieceBytes);
      this.#pages += inode.pages;
    }
  }

  /** What hosts believe is true. */
  refresh(): void {
    this.#hosts.clear();
  }

  #write(inode: SimInode, bytes: Uint8Array, position: number): void {
    const before = inode.pages;
    inode.write(bytes, position);
    inode.modifiedMs = this.#nowMs();
    this.#pages += inode.pages - before;
  }

  /** What hosts kept to themselves is sent once its time has come; all of it that is `host`'s. */
  #send(inode: SimInode, host: string | undefined): void {
    if (inode.unsent.length === 0) return;
    const nowMs = this.#nowMs();
    const isDue = (write: { host: string; atMs: number }): boolean => write.host === host || write.atMs <= nowMs;
    const due = inode.unsent.filter(isDue);
    if (due.length === 0) return;
    inode.unsent = inode.unsent.filter((write) => !isDue(write));
    for (const { position, bytes } of due) this.#write(inode, bytes, position);
  }

  #room(inode: SimInode, bytes: number, position: number): number {
    let free = this.freePages;
    const last = Math.floor((position + bytes - 1) / PAGE_BYTES);
    for (let index = Math.floor(position / PAGE_BYTES); index <= last; index++) {
      if (inode.hasPage(index)) continue;
      if (free === 0) return Math.max(0, index * PAGE_BYTES - position);
      free -= 1;
    }
    return bytes;
  }

  #checkWritable(): void {
    if (this.isReadOnly) throw new SimErrno('EROFS');
  }

  #setName(name: string, inode: SimInode | undefined): void {
    if (!this.#unsynced.has(name)) this.#unsynced.set(name, this.#names.get(name));
    this.#put(name, inode);
  }

  #put(name: string, inode: SimInode | undefined): void {
    const before = this.#names.get(name);
    if (before !== undefined) before.links -= 1;
    if (inode === undefined) this.#names.delete(name);
    else {
      this.#names.set(name, inode);
      inode.links += 1;
    }
  }

  #newInode(name: string, isFolder: boolean): SimInode {
    this.#inodes += 1;
    return new SimInode(this.#inodes, name, isFolder);
  }

  #cache(host: string): HostCache {
    let cache = this.#hosts.get(host);
    if (cache === undefined) {
      cache = new HostCache();
      this.#hosts.set(host, cache);
    }
    return cache;
  }

  #asTold<K, T>(told: Map<K, Told<T>>, key: K, ask: () => T, staleMs = this.settings.staleMs): T {
    if (this.isLocal || staleMs === 0) return ask();
    const nowMs = this.#nowMs();
    const known = told.get(key);
    if (known !== undefined && known.untilMs > nowMs) return known.value;
    const value = ask();
    told.set(key, { value, untilMs: nowMs + this.#random.float() * staleMs * this.staleness });
    return value;
  }

  #forgetPages(host: string, inode: SimInode, position: number, bytes: number): void {
    const { pages, sizes } = this.#cache(host);
    sizes.delete(inode.id);
    if (pages.size === 0) return;
    for (let index = Math.floor(position / PAGE_BYTES); index * PAGE_BYTES < position + bytes; index++)
      pages.delete(`${inode.id}/${index}`);
  }
}
