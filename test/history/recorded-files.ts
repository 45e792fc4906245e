/**
 * One process of a history: calls the production client, one operation after the other, and records each. Whether what it is told may be is the
 * checker's matter.
 */
import { isError } from '../../src/base/errors.js';
import type { Batch } from '../../src/client/batch.js';
import type { ReadInfo, ReadOptions } from '../../src/client/client.js';
import type { FileStatus } from '../../src/client/file-status.js';
import type { FileSystem } from '../../src/client/file-system.js';
import type { BatchOperation, Consistency, Mutation, Read, Seen, SeenPage, Value } from './events.js';
import type { RecordedCall, Recorder } from './recorder.js';

/** What the namespace said: a value, or why not. */
export interface Answered {
  readonly value: Value | null;
  readonly errno?: string;
  readonly sn: number;
}

interface Done {
  readonly value: Value;
  readonly sn: number;
}

export interface CallSettings {
  readonly timeoutMs: number;
  /** Of listings. */
  readonly pageEntries?: number;
}

/** The register that setXattr and getXattr are about. */
const XATTR = 'user.register';

/** Sums of what was recorded. */
export interface Tally {
  acknowledged: number;
  looks: number;
  unknown: number;
  failed: number;
}

export class RecordedFiles {
  readonly process: string;
  readonly #files: FileSystem;
  readonly #recorder: Recorder;
  readonly #tally: Tally;

  constructor(process: string, files: FileSystem, recorder: Recorder, tally: Tally) {
    this.process = process;
    this.#files = files;
    this.#recorder = recorder;
    this.#tally = tally;
  }

  /** @returns null: nothing was said of the namespace. */
  async change(operation: Mutation | BatchOperation, settings: CallSettings): Promise<Answered | null> {
    const recorded = this.#recorder.call(this.process, operation);
    try {
      const { value, sn } = operation.kind === 'batch' ? await this.#batch(operation, settings) : await this.#mutate(operation, settings);
      recorded.done(value, { sn });
      this.#tally.acknowledged += 1;
      return { value, sn };
    } catch (error) {
      return this.#failed(recorded, error);
    }
  }

  /** @returns null: nothing was said of the namespace. */
  async look(operation: Read, consistency: Consistency, settings: CallSettings): Promise<Answered | null> {
    const recorded = this.#recorder.call(this.process, operation, consistency);
    let told: ReadInfo | undefined;
    const options: ReadOptions = {
      ...readOptions(consistency),
      timeoutMs: settings.timeoutMs,
      told: (info) => {
        told = info;
      },
    };
    try {
      const value = await this.#read(operation, options, settings);
      recorded.done(value, told === undefined ? {} : { sn: told.sn, master: told.master });
      this.#tally.looks += 1;
      return { value, sn: told?.sn ?? 0 };
    } catch (error) {
      return this.#failed(recorded, error);
    }
  }

  #failed(recorded: RecordedCall, error: unknown): Answered | null {
    this.#tally[recorded.failed(error)] += 1;
    if (!isError(error) || error.errno === undefined) return null;
    return { value: null, errno: error.errno, sn: error.sn ?? 0 };
  }

  async #mutate(operation: Mutation, { timeoutMs }: CallSettings): Promise<Done> {
    const files = this.#files;
    switch (operation.kind) {
      case 'createFile': {
        const { kind: _, path, ...more } = operation;
        return idOf(await files.createFile(path, { ...more, timeoutMs }));
      }
      case 'createDirectory': {
        const { kind: _, path, ...more } = operation;
        return idOf(await files.createDirectory(path, { ...more, timeoutMs }));
      }
      case 'remove': {
        const { kind: _, path, ...more } = operation;
        return { value: {}, sn: (await files.remove(path, { ...more, timeoutMs })).sn };
      }
      case 'rename': {
        const { kind: _, from, to, ...more } = operation;
        return { value: {}, sn: (await files.rename(from, to, { ...more, timeoutMs })).sn };
      }
      case 'setMode':
        return idOf(await files.setAttributes(operation.path, { mode: operation.mode }, { timeoutMs }));
      case 'setXattr': {
        const { path, value, only } = operation;
        return idOf(await files.setXattr(path, XATTR, value, { timeoutMs, ...(only === undefined ? {} : { only }) }));
      }
      case 'setQuota':
        return idOf(await files.setQuota(operation.path, { namesMax: operation.namesMax }, { timeoutMs }));
      case 'addBlocks': {
        const { sn, status } = await files.addBlocks(operation.path, operation.blocks, { timeoutMs });
        return { value: { id: status.id, blocks: status.lease?.blocks ?? 0 }, sn };
      }
      case 'completeFile':
        return idOf(await files.completeFile(operation.path, operation.length, { timeoutMs }));
    }
  }

  async #batch({ steps }: BatchOperation, { timeoutMs }: CallSettings): Promise<Done> {
    const batch = this.#files.batch();
    for (const step of steps) addStep(batch, step);
    const { sn, statuses } = await batch.commit({ timeoutMs });
    return { value: { ids: statuses.map((status) => status?.id ?? null) }, sn };
  }

  async #read(operation: Read, options: ReadOptions, { pageEntries = 0 }: CallSettings): Promise<Value> {
    const { path } = operation;
    switch (operation.kind) {
      case 'getStatus':
        return { seen: seenOf(await this.#files.getStatus(path, options)) };
      case 'getXattr':
        return { xattr: Buffer.from((await this.#files.getXattrs(path, [XATTR], options)).get(XATTR) ?? []).toString() };
      case 'countTree': {
        const { files, directories } = await this.#files.contentSummary(path, options);
        return { files, directories };
      }
      case 'list': {
        const pages: SeenPage[] = [];
        for await (const { entries, sn } of this.#files.listPages(path, { ...options, pageEntries })) {
          pages.push({ sn, entries: entries.map((entry) => ({ name: entry.name, ...seenOf(entry) })) });
        }
        return { pages };
      }
    }
  }
}

function addStep(batch: Batch, step: Mutation): void {
  switch (step.kind) {
    case 'createFile': {
      const { kind: _, path, ...more } = step;
      return void batch.createFile(path, more);
    }
    case 'createDirectory': {
      const { kind: _, path, ...more } = step;
      return void batch.createDirectory(path, more);
    }
    case 'remove': {
      const { kind: _, path, ...more } = step;
      return void batch.remove(path, more);
    }
    case 'rename': {
      const { kind: _, from, to, ...more } = step;
      return void batch.rename(from, to, more);
    }
    case 'setMode':
      return void batch.setAttributes(step.path, { mode: step.mode });
    case 'setXattr':
      return void batch.setXattr(step.path, XATTR, step.value, step.only === undefined ? {} : { only: step.only });
    case 'setQuota':
      return void batch.setQuota(step.path, { namesMax: step.namesMax });
    case 'addBlocks':
      return void batch.addBlocks(step.path, step.blocks);
    case 'completeFile':
      return void batch.completeFile(step.path, step.length);
  }
}

function readOptions(consistency: Consistency): ReadOptions {
  if (consistency === 'stale') return { stale: true };
  if (consistency === 'session') return { reads: 'anywhere' };
  return consistency === 'linearizable' ? { reads: 'leader' } : { atLeastSn: consistency.atLeastSn };
}

function idOf({ sn, status }: { readonly sn: number; readonly status: FileStatus }): Done {
  return { value: { id: status.id }, sn };
}

function seenOf({ id, directory, mode, length, complete, childCount }: FileStatus): Seen {
  return { id, directory, mode, ...(directory ? { children: childCount } : {}), ...(complete ? { length } : {}) };
}
