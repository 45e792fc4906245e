/**
 * The simulated storage as the processes of a world use it: each operation takes its time and may have its fate (sim-trouble.ts). What is asked
 * is done when its time has come, all at once; the answer passes the gate of the process.
 *
 * What a process has asked for and not been answered goes its own way once the process is paused or killed: it may be done in time, in part,
 * seconds later, when it goes on, or never. Of what is under way when the power fails, any may have been done.
 */
import type { Clock } from '../../src/base/clock.js';
import { UnderstudyError } from '../../src/base/errors.js';
import {
  cameShort,
  type FileSize,
  Files,
  fileFailure,
  OpenFile,
  type OpenOptions,
  PAGE_BYTES,
  type PageBuffers,
} from '../../src/base/files.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimInode, SyncScope } from './sim-inode.js';
import { SimErrno, SimStorage, type SimStorageSettings } from './sim-storage.js';
import { type Fate, type FileOperation, SimTroubles } from './sim-trouble.js';

/** Who uses the storage. */
export interface StorageUser {
  readonly host: string;
  readonly alive: boolean;
  readonly paused: boolean;
  deliver(fn: () => void): void;
}

export interface SimServerSettings extends SimStorageSettings {
  /** Of one operation: from, to. */
  readonly latencyMs: readonly [number, number];
}

interface Flight {
  readonly user: StorageUser;
  readonly kind: FileOperation;
  readonly path: string;
  readonly label: string;
  readonly offset: number | undefined;
  readonly fate: Fate | undefined;
  /** Does what was asked; of a write, as much as `share` says. */
  readonly effect: (share: number) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** So long after its process has gone a request may be under way. */
const LATE_MS = [1, 5_000] as const;
const CHANGES: ReadonlySet<FileOperation> = new Set(['write', 'sync', 'truncate', 'create', 'remove', 'rename', 'mkdir']);

export class SimServer {
  readonly storage: SimStorage;
  readonly troubles: SimTroubles;
  readonly buffers = new CheckedBuffers();
  readonly #settings: SimServerSettings;
  readonly #clock: Pick<Clock, 'monotonicMs' | 'setTimer'> & { setTimer(delayMs: number, fn: () => void, label?: string): unknown };
  readonly #random: SeededRandom;
  readonly #flights = new Set<Flight>();
  /** Of hosts that are cut off. */
  #held: Flight[] = [];

  constructor(settings: SimServerSettings, { clock, random }: { readonly clock: Clock; readonly random: SeededRandom }) {
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random.fork('server');
    this.storage = new SimStorage(settings, () => clock.monotonicMs(), random.fork('storage'));
    this.troubles = new SimTroubles(this.storage, random.fork('troubles'), () => this.#goOn());
  }

  /** @returns the files as `user` has them. */
  files(user: StorageUser): SimFiles {
    return new SimFiles(this, user);
  }

  /** @returns the files as they are in truth, at once and without trouble. */
  truth(): SimFiles {
    return new SimFiles(this, undefined);
  }

  powerCut(): void {
    for (const { effect, kind } of [...this.#flights, ...this.#held]) {
      if (!CHANGES.has(kind) || this.#random.chance(0.5)) continue;
      try {
        effect(this.#random.chance(0.5) ? 1 : this.#random.float());
      } catch {} // it could not be done
    }
    this.#flights.clear();
    this.#held = [];
    this.storage.powerCut();
  }

  /** The process of `user`, on the disk's own machine, is no more: any of what it had under way may have been done, and nothing comes later. */
  ended(user: StorageUser): void {
    for (const flight of [...this.#flights, ...this.#held]) {
      if (flight.user !== user) continue;
      this.#flights.delete(flight);
      if (CHANGES.has(flight.kind) && this.#random.chance(0.5)) this.#do(flight, this.#random.chance(0.5) ? 1 : this.#random.float());
    }
    this.#held = this.#held.filter((flight) => flight.user !== user);
  }

  /** Begins what `user` asks for. */
  fly<T>(request: Omit<Flight, 'resolve' | 'reject' | 'fate'>): Promise<T> {
    if (!request.user.alive) return new Promise(() => {});
    const fate = this.troubles.fate(request.kind);
    return new Promise<T>((resolve, reject) => {
      const flight: Flight = { ...request, fate, resolve, reject };
      this.#flights.add(flight);
      const delayMs = this.#random.between(...this.#settings.latencyMs) * this.troubles.slowness + (fate?.delayMs ?? 0);
      this.#clock.setTimer(delayMs, () => this.#land(flight), request.label);
    });
  }

  #land(flight: Flight): void {
    if (!this.#flights.delete(flight)) return; // before a power cut
    const { user, kind } = flight;
    if (this.troubles.isCutOff(user.host)) this.#held.push(flight);
    else if (!user.alive) this.#orphan(flight);
    else if (user.paused && CHANGES.has(kind) && this.#random.chance(0.5)) user.deliver(() => this.#finish(flight));
    else this.#finish(flight);
  }

  #orphan(flight: Flight): void {
    if (!CHANGES.has(flight.kind)) return;
    const roll = this.#random.float();
    if (roll < 0.3) this.#do(flight, 1);
    else if (roll < 0.45) this.#do(flight, this.#random.float());
    else if (roll < 0.75) {
      this.#flights.add(flight);
      this.#clock.setTimer(this.#random.between(...LATE_MS), () => this.#flights.delete(flight) && this.#do(flight, 1), 'a late request');
    }
  }

  #finish(flight: Flight): void {
    const { fate, user, kind, path, offset } = flight;
    let outcome: { readonly value: unknown } | { readonly error: SimErrno };
    if (fate?.errno === undefined) outcome = this.#do(flight, fate?.share ?? 1);
    else {
      if (fate.share > 0) this.#do(flight, fate.share);
      if (fate.lateMs !== undefined) {
        this.#flights.add(flight);
        this.#clock.setTimer(fate.lateMs, () => this.#flights.delete(flight) && this.#do(flight, 1), 'a late request');
      }
      outcome = { error: new SimErrno(fate.errno) };
    }
    user.deliver(() => {
      if ('error' in outcome) flight.reject(fileFailure(kind, path, outcome.error, offset));
      else flight.resolve(outcome.value as never);
    });
  }

  #do(flight: Flight, share: number): { readonly value: unknown } | { readonly error: SimErrno } {
    try {
      return { value: flight.effect(share) };
    } catch (error) {
      if (error instanceof SimErrno) return { error };
      throw error;
    }
  }

  /** Hosts that were cut off reach the storage again. */
  #goOn(): void {
    const held = this.#held;
    this.#held = [];
    for (const flight of held) {
      this.#flights.add(flight);
      this.#clock.setTimer(this.#random.between(...this.#settings.latencyMs), () => this.#land(flight), flight.label);
    }
  }
}

const NOBODY: StorageUser = { host: '', alive: true, paused: false, deliver: (fn) => fn() };

export class SimFiles extends Files {
  readonly buffers: PageBuffers;
  readonly server: SimServer;
  readonly user: StorageUser;
  readonly isTruth: boolean;
  readonly #labels = new Map<FileOperation, string>();

  constructor(server: SimServer, user: StorageUser | undefined) {
    super();
    this.server = server;
    this.user = user ?? NOBODY;
    this.isTruth = user === undefined;
    this.buffers = server.buffers;
  }

  /** @param effect of a write is given how much of it is done. */
  ask<T>(kind: FileOperation, path: string, effect: (share: number) => T, offset?: number): Promise<T> {
    if (this.isTruth) return settle(kind, path, () => effect(1), offset);
    let label = this.#labels.get(kind);
    if (label === undefined) {
      label = `${this.user.host} ${kind}`;
      this.#labels.set(kind, label);
    }
    return this.server.fly({ user: this.user, kind, path, label, offset, effect });
  }

  async open(filePath: string, options: OpenOptions = {}): Promise<SimFile> {
    const { create } = options;
    const { storage } = this.server;
    const { host } = this.user;
    const inode = await this.ask(create === undefined ? 'open' : 'create', filePath, () => {
      const known = create === 'exclusive' ? undefined : create === undefined ? this.#found(filePath) : storage.at(filePath);
      if (known === undefined && create === undefined) throw new SimErrno('ENOENT');
      if (known !== undefined && create === 'truncate') storage.truncate(host, known, 0);
      return known ?? storage.create(host, filePath, false);
    });
    return new SimFile(this, filePath, inode, options);
  }

  /** A name that a host remembers may lead to what is not there any more. */
  #found(filePath: string): SimInode | undefined {
    const { storage } = this.server;
    const found = this.isTruth ? (storage.at(filePath) ?? storage.removed.get(filePath)) : storage.lookUp(this.user.host, filePath);
    if (found === undefined || found.links > 0 || found.name === '/' || this.isTruth) return found;
    if (this.server.troubles.chance(0.5)) throw new SimErrno('ESTALE');
    return storage.at(filePath);
  }

  makeFolder(folder: string): Promise<void> {
    return this.ask('mkdir', folder, () => void this.server.storage.create(this.user.host, folder, true));
  }

  listFolder(folder: string): Promise<string[]> {
    return this.ask('list', folder, () => [...this.server.storage.list(this.user.host, folder)]);
  }

  fileSize(filePath: string): Promise<FileSize> {
    return this.ask('stat', filePath, () => {
      const inode = this.#found(filePath);
      if (inode === undefined) throw new SimErrno('ENOENT');
      return {
        bytes: this.server.storage.size(this.user.host, inode),
        storedBytes: inode.pages * PAGE_BYTES,
        modifiedMs: inode.modifiedMs,
      };
    });
  }

  exists(filePath: string): Promise<boolean> {
    return this.ask('stat', filePath, () => this.#found(filePath) !== undefined);
  }

  removeFile(filePath: string): Promise<void> {
    return this.ask('remove', filePath, () => this.server.storage.remove(this.user.host, filePath));
  }

  rename(from: string, to: string): Promise<void> {
    return this.ask('rename', from, () => this.server.storage.rename(from, to));
  }

  isLocalFolder(folder: string): Promise<boolean> {
    return this.ask('statfs', folder, () => {
      if (this.#found(folder) === undefined) throw new SimErrno('ENOENT');
      return this.server.storage.isLocal;
    });
  }

  freeBytes(folder: string): Promise<number> {
    return this.ask('statfs', folder, () => this.server.storage.freePages * PAGE_BYTES);
  }
}

export class SimFile extends OpenFile {
  readonly path: string;
  readonly buffers: PageBuffers;
  readonly #files: SimFiles;
  readonly #inode: SimInode;
  readonly #options: OpenOptions;
  /** Of the file's failures, so many are known to who has it open. */
  #failuresTold: number;
  #isClosed = false;

  constructor(files: SimFiles, filePath: string, inode: SimInode, options: OpenOptions) {
    super();
    this.#files = files;
    this.path = filePath;
    this.buffers = files.buffers;
    this.#inode = inode;
    this.#failuresTold = inode.failures;
    this.#options = options;
  }

  get #storage(): SimStorage {
    return this.#files.server.storage;
  }

  get #host(): string {
    return this.#files.user.host;
  }

  readSome(buffer: Uint8Array, position: number): Promise<number> {
    return this.#ask(
      'read',
      (share) => this.#read(buffer.subarray(0, wholePages(buffer.length, share) || buffer.length), position),
      position,
      buffer,
    );
  }

  readExactlySync(buffer: Uint8Array, position: number): void {
    this.#checkOpen();
    this.#check(buffer, position);
    const errno = this.#files.server.troubles.fate('read')?.errno;
    if (errno !== undefined) throw fileFailure('read', this.path, new SimErrno(errno), position);
    if (this.#read(buffer, position) !== buffer.length) throw cameShort(this.path, position);
  }

  #read(buffer: Uint8Array, position: number): number {
    if (this.#files.isTruth) return this.#inode.read(buffer, position, true);
    return this.#storage.read(this.#host, this.#inode, buffer, position, this.#options.direct === true);
  }

  protected writeSome(buffer: Uint8Array, position: number): Promise<number> {
    const bytes = Uint8Array.from(buffer);
    const { direct = false, durableWrites = false } = this.#options;
    const write = (share: number): number => {
      const count = this.#storage.write(this.#host, this.#inode, bytes.subarray(0, Math.ceil(bytes.length * share)), position, direct);
      if (durableWrites && share === 1) this.#synced(this.#storage.scope(this.#host, this.#inode));
      return count;
    };
    return this.#ask('write', write, position, buffer);
  }

  dataSync(): Promise<void> {
    return this.#sync();
  }

  sync(): Promise<void> {
    return this.#sync();
  }

  #sync(): Promise<void> {
    const { storage, troubles } = this.#files.server;
    const isReached = !troubles.isCutOff(this.#host);
    const begun = isReached && !this.#isClosed && this.#inode.links > 0 ? storage.scope(this.#host, this.#inode) : undefined;
    return this.#ask('sync', (share) => {
      const scope = begun ?? storage.scope(this.#host, this.#inode);
      if (share === 1) return this.#synced(scope);
      storage.dropped(this.#inode, scope);
      this.#failuresTold = this.#inode.failures;
    });
  }

  /** What another's sync let go of, this one cannot make durable: it says so, once. */
  #synced(scope: SyncScope): void {
    this.#storage.synced(this.#inode, scope);
    if (this.#failuresTold === this.#inode.failures) return;
    this.#failuresTold = this.#inode.failures;
    throw new SimErrno('EIO');
  }

  truncate(bytes: number): Promise<void> {
    return this.#ask('truncate', () => this.#storage.truncate(this.#host, this.#inode, bytes));
  }

  isStillAtPath(): Promise<boolean> {
    return this.#ask('stat', () => {
      const there = this.#storage.lookUp(this.#host, this.path);
      if (there === undefined) throw new SimErrno('ENOENT');
      return there === this.#inode;
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#files.ask('close', this.path, () => this.#storage.closed(this.#host, this.#inode));
  }

  #ask<T>(kind: FileOperation, effect: (share: number) => T, offset?: number, buffer?: Uint8Array): Promise<T> {
    try {
      this.#checkOpen();
      if (buffer !== undefined) this.#check(buffer, offset ?? 0);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#files.ask(kind, this.path, effect, offset);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new UnderstudyError('cancelled', `the file is closed: file=${this.path}`);
  }

  /** With O_DIRECT offsets, lengths and memory have to be aligned. */
  #check(buffer: Uint8Array, position: number): void {
    if (this.#options.direct !== true) return;
    if (position % PAGE_BYTES === 0 && buffer.length % PAGE_BYTES === 0 && this.#files.server.buffers.isAligned(buffer)) return;
    throw fileFailure('direct i/o', this.path, new SimErrno('EINVAL'), position);
  }
}

/** Memory of which it is known that it came from here. */
class CheckedBuffers implements PageBuffers {
  readonly #free = new Map<number, Buffer[]>();
  readonly #known = new WeakSet<ArrayBufferLike>();

  take(bytes: number): Buffer {
    const kept = this.#free.get(bytes)?.pop();
    if (kept !== undefined) return kept;
    const buffer = Buffer.allocUnsafeSlow(bytes);
    this.#known.add(buffer.buffer);
    return buffer;
  }

  give(buffer: Buffer): void {
    const list = this.#free.get(buffer.length);
    if (list === undefined) this.#free.set(buffer.length, [buffer]);
    else list.push(buffer);
  }

  isAligned(buffer: Uint8Array): boolean {
    return this.#known.has(buffer.buffer) && buffer.byteOffset % PAGE_BYTES === 0;
  }
}

function wholePages(bytes: number, share: number): number {
  return share === 1 ? bytes : Math.floor((bytes * share) / PAGE_BYTES) * PAGE_BYTES;
}

async function settle<T>(kind: string, path: string, effect: () => T, offset?: number): Promise<T> {
  try {
    return effect();
  } catch (error) {
    throw error instanceof SimErrno ? fileFailure(kind, path, error, offset) : error;
  }
}
