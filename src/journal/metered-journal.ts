/** A journal whose commits, confirms, claims and reads are counted and timed. */
import type { Clock } from '../base/clock.js';
import { asError } from '../base/errors.js';
import { type Counter, type Metrics, SECONDS } from '../base/metrics.js';
import type { Batch, Journal, JournalWriter } from './journal.js';

const ENTRIES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];
const BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 8_388_608];

export function meteredJournal(journal: Journal, metrics: Metrics, clock: Clock): Journal {
  const meter = new JournalMeter(metrics, clock);
  const { clusterId, incarnationId, batchBytesMax, checkpoints } = journal;
  return {
    clusterId,
    incarnationId,
    batchBytesMax,
    checkpoints: {
      published: (signal) => checkpoints.published(signal),
      write: (sn, chunks, signal) => meter.timed('checkpoint_write', () => checkpoints.write(sn, chunks, signal)),
      read: (checkpoint, signal) => checkpoints.read(checkpoint, signal),
    },
    claim: async (request) => meteredWriter(await meter.timed('claim', () => journal.claim(request)), meter),
    read: (request) => meter.counted(journal.read(request)),
    close: () => journal.close(),
    [Symbol.asyncDispose]: () => journal.close(),
  };
}

function meteredWriter(writer: JournalWriter, meter: JournalMeter): JournalWriter {
  return {
    epoch: writer.epoch,
    get end() {
      return writer.end;
    },
    dead: writer.dead,
    async append(entries, timeMs, options) {
      const appended = await meter.timed('append', () => writer.append(entries, timeMs, options));
      meter.appended(entries.length, appended.sealed.length);
      return appended;
    },
    confirm: () => meter.timed('confirm', () => writer.confirm()),
    retain: (retention) => meter.timed('retain', () => writer.retain(retention)),
    close: () => writer.close(),
    [Symbol.asyncDispose]: () => writer.close(),
  };
}

const TIMED = {
  claim: 'Time to claim the journal, which fences all earlier leaders.',
  append: 'Time to make a batch durable and to find that no later leader is there.',
  confirm: 'Time to find that no later leader is there, for answers that change nothing.',
  checkpoint_write: 'Time to make and store a checkpoint.',
  retain: 'Time to cut the journal back to what its checkpoints need.',
};

class JournalMeter {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #batchEntries;
  readonly #batchBytes;
  readonly #read: Counter;
  readonly #readEntries: Counter;
  readonly #readBytes: Counter;

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics;
    this.#clock = clock;
    this.#batchEntries = metrics.histogram('understudy_journal_batch_entries', 'Entries of a committed batch.', ENTRIES);
    this.#batchBytes = metrics.histogram('understudy_journal_batch_bytes', 'Size of a committed batch.', BYTES);
    this.#read = metrics.counter('understudy_journal_read_batches_total', 'Batches that were read from the journal.');
    this.#readEntries = metrics.counter('understudy_journal_read_entries_total', 'Entries that were read from the journal.');
    this.#readBytes = metrics.counter('understudy_journal_read_bytes_total', 'Bytes that were read from the journal.');
    // They are told from the start: nothing yet is different from nothing known.
    for (const step of ['claim', 'append', 'confirm', 'checkpoint_write', 'retain'] as const) this.#time(step, 'ok');
  }

  async timed<T>(step: keyof typeof TIMED, work: () => Promise<T>): Promise<T> {
    const startedMs = this.#clock.monotonicMs();
    const took = (outcome: string) => this.#time(step, outcome).observe((this.#clock.monotonicMs() - startedMs) / 1_000);
    try {
      const done = await work();
      took('ok');
      return done;
    } catch (error) {
      took(asError(error).code);
      throw error;
    }
  }

  appended(entries: number, bytes: number): void {
    this.#batchEntries.observe(entries);
    this.#batchBytes.observe(bytes);
  }

  async *counted(batches: AsyncIterable<Batch>): AsyncIterable<Batch> {
    for await (const batch of batches) {
      this.#read.add();
      this.#readEntries.add(batch.entries.length);
      this.#readBytes.add(batch.sealed.length);
      yield batch;
    }
  }

  #time(step: keyof typeof TIMED, outcome: string) {
    return this.#metrics.histogram(`understudy_journal_${step}_seconds`, TIMED[step], SECONDS, { outcome });
  }
}
