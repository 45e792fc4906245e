/**
 * How a master becomes the writer of a journal on an object store: it reads to the end of the log and creates the next slot with a claim. That
 * fences whoever wrote before: its next slot is taken.
 *
 * Another's batch in that slot is applied, and the next one tried; another's claim ends this one. Who has lost two slots running to a busy
 * leader asks it for a pause, by an intent. After the claim stands the boundary is read again: a slot that had been collected looks free.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import { epoch } from '../base/ids.js';
import { throwIfAborted } from '../base/wait.js';
import { batchBytes, encodeBatch } from './batch-format.js';
import type { Batch, ClaimRequest } from './journal.js';
import { ENVELOPE_BYTES, parseObject, type SlotObject, sealEnvelope } from './object-format.js';
import { intentKey } from './object-layout.js';
import type { ObjectJournalParts } from './object-parts.js';
import { ObjectWriter } from './object-writer.js';
import { type Place, placeBehind } from './place.js';
import { SlotReader } from './slot-reader.js';

const LOSSES_BEFORE_INTENT = 2;
/** Slots lost after which it asks once more: an intent does not stand for ever. */
const LOSSES_PER_INTENT = 32;

export async function claimSlots(
  parts: ObjectJournalParts,
  request: ClaimRequest & { readonly signal: AbortSignal },
): Promise<ObjectWriter> {
  const { context, log, places } = parts;
  const { signal } = request;
  const intents: string[] = [];
  try {
    let place = await readToEnd(parts, await places.find(request.from, signal), request);
    for (let losses = 1; ; losses++) {
      await context.deps.pause?.('read', 0);
      throwIfAborted(signal);
      // One id, one slot: a claim that lost may land there late, and the collector takes what stands between two of one writer's for its batches.
      const writerId = context.deps.random.bytes(16);
      const claim = sealClaim(parts, place, request, writerId);
      const taken = await log.create({ slot: place.slot + 1, bytes: claim.bytes, putId: claim.object.putId, signal });
      if (taken === 'created') {
        await context.deps.pause?.('durable', claim.place.epoch);
        throwIfAborted(signal);
        await checkBoundary(parts, claim.place, signal);
        await deliver(request, claim.object.stored.batch);
        places.note(claim.place);
        return ObjectWriter.start(parts, claim.place, writerId);
      }
      if (taken.isClaim) {
        throw new UnderstudyError('fenced', `a later claimant came first: slot=${taken.slot} epoch=${taken.stored.batch.epoch}`);
      }
      if (losses % LOSSES_PER_INTENT === LOSSES_BEFORE_INTENT) await declare(parts, place, intents);
      place = await readToEnd(parts, place, request);
    }
  } finally {
    for (const key of intents) await context.deps.store.delete(key).catch(() => undefined);
  }
}

/** Delivers what follows. @returns the place behind it, where the log was found to end. */
async function readToEnd(parts: ObjectJournalParts, from: Place, request: ClaimRequest & { readonly signal: AbortSignal }): Promise<Place> {
  const reader = new SlotReader(parts, from, request.signal);
  for (;;) {
    const { found, isEnd } = await reader.next();
    for (const { batch, place } of found) {
      await deliver(request, batch);
      parts.places.note(place);
    }
    if (isEnd && (await reader.isAtEnd())) return reader.place;
  }
}

async function deliver(request: ClaimRequest, batch: Batch): Promise<void> {
  throwIfAborted(request.signal);
  await request.deliver(batch);
}

function sealClaim(
  parts: ObjectJournalParts,
  before: Place,
  request: ClaimRequest,
  writerId: Uint8Array,
): { readonly bytes: Buffer; readonly object: SlotObject; readonly place: Place } {
  const { deps } = parts.context;
  const next = epoch(before.epoch + 1);
  const entry = request.entry(next, before.timeMs);
  const object = Buffer.alloc(ENVELOPE_BYTES + batchBytes([entry.bytes]));
  const header = {
    epoch: next,
    writerId,
    previous: before.point,
    committedSn: before.point.sn,
    timeMs: Math.max(entry.timeMs, before.timeMs),
  };
  encodeBatch(object.subarray(ENVELOPE_BYTES), header, [entry.bytes]);
  sealEnvelope(object, { slot: before.slot + 1, isClaim: true, putId: deps.random.bytes(16) });
  const parsed = parseObject(object, deps.store.location);
  return { bytes: object, object: parsed, place: placeBehind(before, parsed, deps.store.location) };
}

/** @throws `out_of_range`: the claim stands where the log has been collected, so it leads nothing. */
async function checkBoundary(parts: ObjectJournalParts, { slot }: Place, signal: AbortSignal): Promise<void> {
  const boundary = await parts.boundaries.slot(signal);
  if (boundary > slot)
    throw new UnderstudyError('out_of_range', `claimed where the log has been collected: slot=${slot} boundary=${boundary}`);
}

/** Only liveness hangs on it: that it fails is no matter. */
async function declare(parts: ObjectJournalParts, place: Place, intents: string[]): Promise<void> {
  const { deps, format } = parts.context;
  const key = intentKey(format, place.epoch, Buffer.from(deps.random.bytes(8)).toString('hex'));
  intents.push(key);
  try {
    await deps.store.create(key, new Uint8Array());
  } catch (error) {
    if (!isError(error)) throw error;
    deps.log.warn({ error, key }, 'cannot ask the leader for a pause');
  }
}
