/**
 * What the clients of a world do with the contents of files, where there are workers: they make files, write behind their ends, read each other's and
 * remove their own, and hold every answer against what was written (written-files.ts).
 */
import { asError, isError } from '../../src/base/errors.js';
import { sleep } from '../../src/base/wait.js';
import type { MemoryUnderFiles } from '../../src/underfs/memory-under-store.js';
import type { SimClient } from './sim-client.js';
import type { SimProcess } from './sim-process.js';
import type { NoteValues } from './virtual-time.js';
import type { Range } from './world-settings.js';
import { bytesOf, lengthOf, type Step, type Stretch, WrittenFile } from './written-files.js';

export interface ByteWorkDeps {
  /** Counts events. */
  readonly now: () => number;
  readonly violated: (violation: string) => void;
  /** For the timeline. */
  readonly note: (by: string, level: 'call' | 'ok' | 'failed', message: string, values: NoteValues) => void;
  /** What is mounted. */
  readonly under: MemoryUnderFiles;
  readonly pauseMs: Range;
  readonly copiesMax: number;
}

const BYTES_ROOT = '/bytes';
const MOUNT_ROOT = '/mounted';
const WRITE_TYPES = ['CACHE_THROUGH', 'THROUGH', 'ASYNC_THROUGH'] as const;
/** Of the files: below the mount. */
const MOUNTED = 0.4;

/** Codes by which trouble may be told; all others are wrong whatever happens. */
const TROUBLE: ReadonlySet<string> = new Set([
  'unavailable',
  'deadline_exceeded',
  'resource_exhausted',
  'outcome_unknown',
  'failed_precondition',
  'cancelled',
  'aborted',
  'already_exists',
]);
const OWN_MAX = 8;
/** Blocks of a few bytes, so that files have some; and whole chunks and more. */
const BLOCK_BYTES = [500, 3_000, 10_000, 70_000, 140_000] as const;
const WRITE_TIMEOUT_MS = 20_000;
const READ_TIMEOUT_MS = 10_000;
const RETRY_MS = 100;

export class ByteWork {
  readonly #deps: ByteWorkDeps;
  readonly #files: WrittenFile[] = [];
  #steps = 0;
  #names = 0;
  #working = 0;
  stopping = false;
  /** Reads whose bytes were held against what was written; writes that were acknowledged. */
  readChecked = 0;
  written = 0;
  /** Files that mounted storage was seen to have. */
  storedChecked = 0;

  constructor(deps: ByteWorkDeps) {
    this.#deps = deps;
  }

  get files(): readonly WrittenFile[] {
    return this.#files;
  }

  /** Nobody has anything under way: of processes that live. */
  get isIdle(): boolean {
    return this.#working === 0;
  }

  /** Works until all stop, or the process ends. */
  async work({ files }: SimClient, process: SimProcess): Promise<void> {
    const { random, clock } = process;
    const mine = random.fork('bytes');
    const own: WrittenFile[] = [];
    let isEnded = false;
    process.atEnd(() => {
      if (!isEnded) this.#working -= 1;
    });
    this.#working += 1;
    const worker = { files, name: process.name, random: mine, own };
    await this.#mount(files, clock);
    while (!this.stopping) {
      await this.#act(worker);
      await sleep(clock, mine.between(...this.#deps.pauseMs));
    }
    isEnded = true;
    this.#working -= 1;
  }

  /** Reads all that there is, until it is as it was written. @returns why `file` cannot be read; undefined: it can. */
  async look({ files }: SimClient, file: WrittenFile): Promise<string | undefined> {
    return this.#read({ files, name: 'reader' }, file);
  }

  async #act(worker: Worker): Promise<void> {
    const { random, own } = worker;
    const drawn = random.float();
    const file = own.length === 0 ? undefined : random.pick(own);
    if (file === undefined || drawn < 0.25) return this.#make(worker);
    if (drawn < 0.4) return this.#append(worker, file);
    if (drawn < 0.48) return this.#make(worker, file);
    if (drawn < 0.55) return this.#remove(worker, file);
    if (drawn < 0.6 && file.storedAs !== undefined) return this.#free(worker, file);
    await this.#read(worker, random.pick(random.chance(0.5) ? this.#files.slice(-OWN_MAX) : this.#files));
  }

  /** Whoever comes first does it. */
  async #mount(files: SimClient['files'], clock: SimProcess['clock']): Promise<void> {
    while (!this.stopping) {
      try {
        await files.mount(MOUNT_ROOT, 'file:///mounted', { shared: true, timeoutMs: WRITE_TIMEOUT_MS });
        return;
      } catch (error) {
        if (isError(error) && (error.errno === 'EBUSY' || error.errno === 'EEXIST')) return;
        await sleep(clock, RETRY_MS);
      }
    }
  }

  /** Its blocks may go, where the storage has it. */
  async #free({ files, name }: Worker, { path }: WrittenFile): Promise<void> {
    this.#deps.note(name, 'call', `free ${path}`, {});
    await files.free(path, { timeoutMs: READ_TIMEOUT_MS }).catch((error: unknown) => this.#judge(error, `free ${path}`));
  }

  /** @param over is written anew. */
  async #make(worker: Worker, over?: WrittenFile): Promise<void> {
    const { files, random } = worker;
    const file = over ?? this.#newFile(worker);
    const length = random.chance(0.1) ? 0 : Math.floor(random.between(1, Math.min(3 * file.blockBytes, 200_000)));
    const stretch = this.#stretch(0, length);
    const { blockBytes, replicationMin } = file;
    const contents = length === 0 ? [] : [stretch];
    const through = file.storedAs === undefined ? {} : { writeType: random.pick(WRITE_TYPES) };
    await this.#step(worker, file, file.begin('make', contents, this.#deps.now()), async () => {
      const overwrite = over === undefined ? {} : { overwrite: true };
      await using writer = await files.create(file.path, {
        blockBytes,
        replicationMin,
        recursive: true,
        timeoutMs: WRITE_TIMEOUT_MS,
        ...overwrite,
        ...through,
      });
      await this.#write(writer, stretch, worker);
      if (through.writeType === 'CACHE_THROUGH' || through.writeType === 'THROUGH') this.checkStored(file);
    });
  }

  async #append(worker: Worker, file: WrittenFile): Promise<void> {
    const { contents } = file;
    if (contents === null || contents === undefined) return;
    const from = lengthOf(contents);
    const stretch = this.#stretch(from, from + 1 + Math.floor(worker.random.between(1, 2 * file.blockBytes)));
    await this.#step(worker, file, file.begin('append', [...contents, stretch], this.#deps.now()), async () => {
      await using writer = await worker.files.append(file.path, { timeoutMs: WRITE_TIMEOUT_MS });
      await this.#write(writer, stretch, worker);
    });
  }

  async #remove(worker: Worker, file: WrittenFile): Promise<void> {
    await this.#step(worker, file, file.begin('remove', null, this.#deps.now()), async () => {
      await worker.files.remove(file.path, { timeoutMs: WRITE_TIMEOUT_MS });
    });
    drop(worker.own, file);
  }

  async #write(writer: Writer, stretch: Stretch, { random }: Worker): Promise<void> {
    const bytes = bytesOf(stretch);
    for (let at = 0; at < bytes.length; ) {
      const count = random.chance(0.5) ? bytes.length : 1 + random.below(bytes.length);
      await writer.write(bytes.subarray(at, at + count));
      at += count;
    }
    await writer.close();
  }

  async #step({ own, name }: Worker, file: WrittenFile, step: Step, work: () => Promise<void>): Promise<void> {
    const told = `${step.kind} ${file.path}`;
    const { note } = this.#deps;
    note(name, 'call', told, { length: lengthOf(step.contents), blockBytes: file.blockBytes, copies: file.replicationMin });
    try {
      await work();
      step.outcome = 'ok';
      note(name, 'ok', told, {});
      this.written += 1;
    } catch (error) {
      // What became of it is not known: nobody writes to it any more.
      step.outcome = 'unknown';
      drop(own, file);
      note(name, 'failed', told, { error: asError(error).message });
      this.#judge(error, told);
    } finally {
      step.endedAt = this.#deps.now();
    }
  }

  /** @returns why it cannot be read. */
  async #read({ files, name }: Pick<Worker, 'files' | 'name'>, file: WrittenFile): Promise<string | undefined> {
    const { note } = this.#deps;
    const what = `read ${file.path}`;
    note(name, 'call', what, {});
    const from = this.#deps.now();
    const told = (wrong: string | undefined) => {
      if (wrong !== undefined) this.#deps.violated(`W1: ${file.path}: ${wrong}`);
    };
    try {
      await using reader = await files.open(file.path, { timeoutMs: READ_TIMEOUT_MS });
      const bytes = new Uint8Array(reader.length);
      await reader.read(bytes, 0);
      this.readChecked += 1;
      note(name, 'ok', what, { bytes: bytes.length });
      told(file.judge({ bytes, isComplete: reader.status.complete }, from, this.#deps.now()));
      return undefined;
    } catch (error) {
      note(name, 'failed', what, { error: asError(error).message });
      if (isError(error) && error.errno === 'ENOENT') {
        told(file.judge(null, from, this.#deps.now()));
        return undefined;
      }
      this.#judge(error, what);
      return asError(error).message;
    }
  }

  /** Mounted storage has the file, as it is or as it was written last; that its writer waited for. */
  checkStored(file: WrittenFile): void {
    const stored = this.#deps.under.nodes.get(file.storedAs ?? '')?.bytes;
    const now = this.#deps.now();
    const wrong = file.judge(stored === undefined ? null : { bytes: stored, isComplete: true }, now, now);
    if (stored === undefined || wrong !== undefined)
      this.#deps.violated(`P1: ${file.path} in mounted storage: ${wrong ?? 'it is not there'}`);
    this.storedChecked += 1;
  }

  #judge(error: unknown, what: string): void {
    if (isError(error) && (TROUBLE.has(error.code) || error.errno !== undefined)) return;
    this.#deps.violated(`W1: ${what}: ${asError(error).code}: ${asError(error).stack ?? asError(error).message}`);
  }

  #newFile({ own, random }: Worker): WrittenFile {
    this.#names += 1;
    const name = `f${this.#names}`;
    const isMounted = random.chance(MOUNTED);
    const path = `${isMounted ? MOUNT_ROOT : BYTES_ROOT}/${name}`;
    const copies = 1 + random.below(this.#deps.copiesMax);
    const file = new WrittenFile(path, random.pick(BLOCK_BYTES), copies, isMounted ? name : undefined);
    this.#files.push(file);
    own.push(file);
    if (own.length > OWN_MAX) own.shift();
    return file;
  }

  #stretch(from: number, to: number): Stretch {
    this.#steps += 1;
    return { from, to, step: this.#steps };
  }
}

interface Worker {
  readonly files: SimClient['files'];
  readonly name: string;
  readonly random: SimProcess['random'] & { below(limit: number): number };
  /** Files of which it knows all. */
  readonly own: WrittenFile[];
}

type Writer = Awaited<ReturnType<SimClient['files']['create']>>;

function drop<T>(from: T[], item: T): void {
  const at = from.indexOf(item);
  if (at >= 0) from.splice(at, 1);
}
