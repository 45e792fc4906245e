/**
 * The journal on a file system that all masters share: NFS, GlusterFS, CephFS, EFS or a local disk. DESIGN.md beside this file tells the
 * protocol and why it is safe.
 */
import { UnderstudyError } from '../base/errors.js';
import { DirectoryCheckpoints } from './directory-checkpoints.js';
import { claimDirectory } from './directory-claim.js';
import { openDirectoryContext } from './directory-context.js';
import { followDirectory } from './directory-follower.js';
import type { DirectoryContext, DirectoryJournalDeps, DirectoryJournalSettings } from './directory-layout.js';
import type { FormatFile } from './format-file.js';
import type { Batch, ClaimRequest, Journal, JournalWriter, ReadRequest } from './journal.js';
import { Ledger } from './ledger.js';

export class DirectoryJournal implements Journal {
  readonly clusterId: string;
  readonly incarnationId: string;
  readonly batchBytesMax: number;
  readonly checkpoints: DirectoryCheckpoints;
  readonly #context: DirectoryContext;
  readonly #format: FormatFile;
  readonly #closing = new AbortController();
  /** Looks in flight. A reader whose consumer holds a batch is not waited for: it ends when it is asked for the next. */
  readonly #reading = new Set<Promise<unknown>>();
  readonly #writers = new Set<JournalWriter>();
  #claim: Promise<unknown> | undefined;

  private constructor(context: DirectoryContext, format: FormatFile) {
    this.#context = context;
    this.#format = format;
    this.clusterId = format.clusterId;
    this.incarnationId = format.incarnationId;
    this.batchBytesMax = context.settings.batchBytesMax;
    this.checkpoints = new DirectoryCheckpoints(context, this.#closing.signal);
  }

  /**
   * @throws `failed_precondition`: not formatted, another cluster's, a later version's, or the mount refuses O_DIRECT; `corrupt`;
   *   `unavailable`: the storage does not answer.
   */
  static async open(settings: DirectoryJournalSettings, deps: DirectoryJournalDeps): Promise<DirectoryJournal> {
    const { context, format } = await openDirectoryContext(settings, deps);
    await (await Ledger.open(context)).close();
    return new DirectoryJournal(context, format);
  }

  async claim(request: ClaimRequest): Promise<JournalWriter> {
    if (this.#closing.signal.aborted) throw closedError();
    if (this.#claim !== undefined) throw new UnderstudyError('failed_precondition', 'one claim at a time');
    const signals = [this.#closing.signal, ...(request.signal === undefined ? [] : [request.signal])];
    const claim = claimDirectory(this.#context, this.#format, { ...request, signal: AbortSignal.any(signals) });
    this.#claim = claim.catch(() => undefined);
    try {
      const writer = await claim;
      this.#writers.add(writer);
      void writer.closed.then(() => this.#writers.delete(writer));
      return writer;
    } finally {
      this.#claim = undefined;
    }
  }

  async *read(request: ReadRequest): AsyncGenerator<Batch, void, void> {
    if (this.#closing.signal.aborted) throw closedError();
    const signal = AbortSignal.any([request.signal, this.#closing.signal]);
    const batches = followDirectory(this.#context, { ...request, signal });
    try {
      for (;;) {
        const next = batches.next();
        this.#reading.add(next);
        const step = await next.finally(() => this.#reading.delete(next));
        if (step.done === true) return;
        yield step.value;
      }
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

function closedError(): UnderstudyError {
  return new UnderstudyError('cancelled', 'the journal is closed');
}
