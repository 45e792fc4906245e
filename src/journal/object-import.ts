/**
 * Fills a journal on an object store that has no FORMAT yet, so that nobody sees it, with what another journal holds: each batch in a slot of
 * its own, from 1 on. Batches are the same bytes, so the chain is the same. As nobody else knows the incarnation's name yet, objects are
 * simply put, several at a time.
 */
import { checkFollows } from './directory-import.js';
import { type Batch, endOf } from './journal.js';
import type { JournalContents } from './journal-contents.js';
import { ObjectCheckpoints } from './object-checkpoints.js';
import { ENVELOPE_BYTES, sealEnvelope } from './object-format.js';
import { type ObjectContext, slotKey } from './object-layout.js';
import { objectParts } from './object-parts.js';
import { insistently } from './persistence.js';

/** Puts in flight, and their bytes. */
const PUTS_MAX = 32;
const PUT_BYTES_MAX = 64 << 20;

/** @throws what `contents` throws; as `ObjectStore.put`; `corrupt`: its batches do not follow each other. What was put is left then. */
export async function importObjects(context: ObjectContext, contents: JournalContents): Promise<void> {
  const parts = objectParts(context);
  const puts = new BoundedPuts(context);
  let { epoch, point } = contents.begin;
  let slot = 0;
  try {
    for await (const batch of contents.batches()) {
      checkFollows(batch, point);
      slot += 1;
      await puts.add(slotKey(context.format, slot), slotObject(context, slot, batch, batch.epoch !== epoch));
      epoch = batch.epoch;
      point = endOf(batch);
    }
  } finally {
    await puts.settled();
  }
  puts.check();
  const retention = await contents.retention();
  const checkpoints = new ObjectCheckpoints(parts);
  for (const ref of retention.checkpoints) await checkpoints.store(ref, contents.checkpoint(ref));
  const { boundary } = retention;
  if (boundary === null && retention.checkpoints.length === 0) return;
  const isAtBegin = boundary === null || boundary.point.sn === contents.begin.point.sn;
  const first = isAtBegin ? 1 : (await parts.places.find(boundary.point)).slot + 1;
  await parts.boundaries.make(first, point.sn, retention);
}

function slotObject(context: ObjectContext, slot: number, batch: Batch, isClaim: boolean): Buffer {
  const object = Buffer.allocUnsafe(ENVELOPE_BYTES + batch.sealed.length);
  object.set(batch.sealed, ENVELOPE_BYTES);
  sealEnvelope(object, { slot, isClaim, putId: context.deps.random.bytes(16) });
  return object;
}

class BoundedPuts {
  readonly #context: ObjectContext;
  readonly #inFlight = new Set<Promise<void>>();
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(context: ObjectContext) {
    this.#context = context;
  }

  /** Resolves when there is room for another. @throws what an earlier one failed with. */
  async add(key: string, object: Buffer): Promise<void> {
    const { deps } = this.#context;
    const put = insistently(deps, () => deps.store.put(key, object))
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#inFlight.delete(put);
        this.#bytes -= object.length;
      });
    this.#inFlight.add(put);
    this.#bytes += object.length;
    while (this.#inFlight.size >= PUTS_MAX || this.#bytes > PUT_BYTES_MAX) await Promise.race(this.#inFlight);
    this.check();
  }

  /** Resolves when none is in flight. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  /** @throws what one of them failed with. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
