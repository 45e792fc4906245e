/**
 * The journal on S3, or on any store that can create an object only where none is. S3.md beside this file tells the protocol and why it is
 * safe.
 */
import { UnderstudyError } from '../base/errors.js';
import { probeBucket } from './bucket-probe.js';
import type { Checkpoints } from './checkpoints.js';
import { decodeFormat, type FormatFile } from './format-file.js';
import type { Batch, ClaimRequest, Journal, JournalWriter, ReadRequest } from './journal.js';
import { ObjectCheckpoints } from './object-checkpoints.js';
import { claimSlots } from './object-claim.js';
import { FORMAT_KEY, type ObjectJournalDeps, type ObjectJournalSettings, objectContext } from './object-layout.js';
import { type ObjectJournalParts, objectParts } from './object-parts.js';
import { insistently } from './persistence.js';
import { followSlots } from './slot-reader.js';

export class ObjectJournal implements Journal {
  readonly clusterId: string;
  readonly incarnationId: string;
  readonly batchBytesMax: number;
  readonly checkpoints: Checkpoints;
  readonly #parts: ObjectJournalParts;
  readonly #closing = new AbortController();
  /** Looks in flight. A reader whose consumer holds a batch is not waited for: it ends when it is asked for the next. */
  readonly #reading = new Set<Promise<unknown>>();
  readonly #writers = new Set<JournalWriter>();
  #claim: Promise<unknown> | undefined;
  #isProbed = false;

  private constructor(parts: ObjectJournalParts) {
    this.#parts = parts;
    const { format, settings } = parts.context;
    this.clusterId = format.clusterId;
    this.incarnationId = format.incarnationId;
    this.batchBytesMax = settings.batchBytesMax;
    this.checkpoints = new ObjectCheckpoints(parts);
  }

  /** @throws `failed_precondition`: not formatted, another cluster's, or a later version's; `corrupt`; `unavailable`. */
  static async open(settings: ObjectJournalSettings, deps: ObjectJournalDeps): Promise<ObjectJournal> {
    const format = await readFormatObject(deps);
    const { location } = deps.store;
    if (format === undefined) throw noJournal(deps);
    if (settings.clusterId !== undefined && settings.clusterId !== format.clusterId) {
      throw new UnderstudyError(
        'failed_precondition',
        `the journal belongs to another cluster: location=${location} cluster=${format.clusterId} configured=${settings.clusterId}`,
      );
    }
    return new ObjectJournal(objectParts(objectContext(settings, deps, format)));
  }

  /** Sees whether the store keeps what a claim relies on; every claim is preceded by one that succeeded. @throws as `probeBucket`. */
  async probe(signal?: AbortSignal): Promise<void> {
    if (this.#isProbed) return;
    await probeBucket(this.#parts.context.deps, signal);
    this.#isProbed = true;
  }

  async claim(request: ClaimRequest): Promise<JournalWriter> {
    if (this.#closing.signal.aborted) throw closedError();
    if (this.#claim !== undefined) throw new UnderstudyError('failed_precondition', 'one claim at a time');
    const signals = [this.#closing.signal, ...(request.signal === undefined ? [] : [request.signal])];
    const claim = this.#claimNow({ ...request, signal: AbortSignal.any(signals) });
    this.#claim = claim.catch(() => undefined);
    try {
      return await claim;
    } finally {
      this.#claim = undefined;
    }
  }

  async #claimNow(request: ClaimRequest & { readonly signal: AbortSignal }): Promise<JournalWriter> {
    await this.probe(request.signal);
    const writer = await claimSlots(this.#parts, request);
    this.#writers.add(writer);
    void writer.closed.then(() => this.#writers.delete(writer));
    return writer;
  }

  async *read(request: ReadRequest): AsyncGenerator<Batch, void, void> {
    if (this.#closing.signal.aborted) throw closedError();
    const signal = AbortSignal.any([request.signal, this.#closing.signal]);
    const batches = followSlots(this.#parts, { ...request, signal });
    try {
      for (;;) {
        const next = batches.next();
        this.#reading.add(next);
        const step = await next.finally(() => this.#reading.delete(next));
        if (step.done === true) return;
        yield step.value;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await batches.return();
    }
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(closedError());
    await this.#claim;
    await Promise.all([...this.#writers].map((writer) => writer.close()));
    await Promise.allSettled(this.#reading);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** @returns what FORMAT says; undefined where there is none. @throws `corrupt`, `failed_precondition`, `unavailable`. */
export async function readFormatObject(deps: ObjectJournalDeps): Promise<FormatFile | undefined> {
  const page = await insistently(deps, () => deps.store.get(FORMAT_KEY));
  return page === undefined ? undefined : decodeFormat(page, deps.store.location + FORMAT_KEY);
}

export function noJournal({ store }: Pick<ObjectJournalDeps, 'store'>): UnderstudyError {
  return new UnderstudyError('failed_precondition', `there is no journal here: format it first: location=${store.location}`);
}

function closedError(): UnderstudyError {
  return new UnderstudyError('cancelled', 'the journal is closed');
}
