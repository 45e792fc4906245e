/**
 * The journal and the stores of a process, overheard: what the one tells and the others are given has to agree, over all processes.
 */
import type { understudy } from '#proto/understudy.js';
import { understudy as messages } from '#proto/understudy.js';
import type { Retention } from '../../src/journal/checkpoints.js';
import { type Batch, type ClaimRequest, endOf, type Journal, type JournalWriter } from '../../src/journal/journal.js';
import type { KvOperation, KvStore, KvStores } from '../../src/kv/kv-store.js';
import { APPLIED_KEY } from '../../src/metadata/keys.js';
import type { SimProcess } from './sim-process.js';

export interface ObservedBatch {
  readonly epoch: number;
  readonly endSn: number;
  readonly hash: Uint8Array;
}

export interface JournalObserver {
  /** A process was told that a batch is committed: by its own writer, or by its own claim. */
  committed(by: string, batch: ObservedBatch): void;
  /** A process has read a batch as committed. */
  read(by: string, batch: ObservedBatch): void;
  /** The claim batch of this epoch may be committed by now, and what it adopted with it, whether anybody hears of that or not. */
  adopting(epoch: number): void;
  claimed(by: string, epoch: number): void;
  /** What is kept was made known. */
  retained(by: string, retention: Retention): void;
  /** @returns what is called when the append is acknowledged. */
  appending(by: string, epoch: number): (endSn: number, hash: Uint8Array) => void;
  /** @returns what is called when the confirm holds. */
  confirming(by: string, epoch: number): () => void;
  /** `host` was not superseded at `at`, or later. */
  proved(host: string, at: number): void;
  /** A store stands at `sn` from now on. */
  written(by: string, sn: number, hash: Uint8Array): void;
}

/** @param now counts events. */
export function observedJournal(process: SimProcess, journal: Journal, observer: JournalObserver, now: () => number): Journal {
  const { name } = process;
  const read = (batch: Batch) => observer.read(name, { epoch: batch.epoch, endSn: endOf(batch).sn, hash: batch.hash });
  return {
    clusterId: journal.clusterId,
    incarnationId: journal.incarnationId,
    batchBytesMax: journal.batchBytesMax,
    checkpoints: journal.checkpoints,
    async claim(request) {
      const writer = await journal.claim(observedClaim(name, request, observer, read));
      observer.claimed(name, writer.epoch);
      return observedWriter(process, writer, observer, now);
    },
    read: (request) => observed(journal.read(request), read),
    close: () => journal.close(),
    [Symbol.asyncDispose]: () => journal.close(),
  };
}

/** What is delivered before the claim batch is made was committed by others; what comes after that, by the claim. Given up, it may be none the less. */
function observedClaim(by: string, request: ClaimRequest, observer: JournalObserver, read: (batch: Batch) => void): ClaimRequest {
  let claiming: number | undefined;
  const adopting = () => {
    if (claiming !== undefined) observer.adopting(claiming);
  };
  request.signal?.addEventListener('abort', adopting, { once: true });
  return {
    ...request,
    entry(epoch, notBeforeMs) {
      claiming = epoch;
      if (request.signal?.aborted) adopting();
      return request.entry(epoch, notBeforeMs);
    },
    deliver(batch) {
      adopting();
      if (claiming === undefined) read(batch);
      else observer.committed(by, { epoch: batch.epoch, endSn: endOf(batch).sn, hash: batch.hash });
      return request.deliver(batch);
    },
  };
}

async function* observed<T>(items: AsyncIterable<T>, observe: (item: T) => void): AsyncIterable<T> {
  for await (const item of items) {
    observe(item);
    yield item;
  }
}

function observedWriter(process: SimProcess, writer: JournalWriter, observer: JournalObserver, now: () => number): JournalWriter {
  const { name, host } = process;
  return {
    epoch: writer.epoch,
    get end() {
      return writer.end;
    },
    dead: writer.dead,
    async append(entries, timeMs, options) {
      const acknowledged = observer.appending(name, writer.epoch);
      const appended = await writer.append(entries, timeMs, options);
      acknowledged(appended.sn, appended.hash);
      observer.proved(host, now());
      return appended;
    },
    async confirm() {
      const began = now();
      const confirmed = observer.confirming(name, writer.epoch);
      await writer.confirm();
      confirmed();
      observer.proved(host, began);
    },
    async retain(retention) {
      await writer.retain(retention);
      observer.retained(name, retention);
    },
    close: () => writer.close(),
    [Symbol.asyncDispose]: () => writer.close(),
  };
}

export function observedStores(process: SimProcess, stores: KvStores, observer: JournalObserver): KvStores {
  return {
    open: async () => observedStore(process, await stores.open(), observer),
    proved: () => stores.proved(),
    setAside: () => stores.setAside(),
  };
}

function observedStore(process: SimProcess, store: KvStore, observer: JournalObserver): KvStore {
  const observe = (operations: readonly KvOperation[]) => {
    for (const operation of operations) {
      if (operation.type === 'del' || Buffer.compare(operation.key, APPLIED_KEY) !== 0) continue;
      const { sn, hash }: understudy.FlushMark = messages.FlushMark.decode(operation.value);
      observer.written(process.name, sn, hash);
    }
  };
  return {
    get: (key) => store.get(key),
    write(operations) {
      if (Symbol.asyncIterator in operations) return store.write(observed(operations, observe));
      observe(operations);
      return store.write(operations);
    },
    snapshot: () => store.snapshot(),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}
