/** A place in the log of a journal on an object store: behind a slot. What follows it has to fit. */
import { UnderstudyError } from '../base/errors.js';
import { type Batch, type ChainPoint, endOf, GENESIS } from './journal.js';
import type { SlotObject } from './object-format.js';

/** Behind a slot. */
export interface Place {
  /** 0: before the first. */
  readonly slot: number;
  /** Where its batch ends. */
  readonly point: ChainPoint;
  readonly epoch: number;
  /** The batch's time; 0 where it is not known. */
  readonly timeMs: number;
}

/** Before the first slot. */
export const ORIGIN: Place = { slot: 0, point: GENESIS, epoch: 0, timeMs: 0 };

/** @returns the place behind `object`. @throws `corrupt`: it does not follow `before`. */
export function placeBehind(before: Place, { slot, isClaim, stored: { batch } }: SlotObject, location: string): Place {
  const follows =
    slot === before.slot + 1 && batch.firstSn === before.point.sn + 1 && Buffer.compare(batch.previousHash, before.point.hash) === 0;
  const isEpochRight = isClaim ? batch.epoch > before.epoch : batch.epoch === before.epoch;
  if (follows && isEpochRight) return placeOf(slot, batch);
  throw new UnderstudyError(
    'corrupt',
    `the journal's chain is broken: location=${location} slot=${slot} sn=${batch.firstSn} epoch=${batch.epoch} before=${before.point.sn}`,
  );
}

/** @returns the place behind the batch in `slot`. */
export function placeOf(slot: number, batch: Batch): Place {
  return { slot, point: endOf(batch), epoch: batch.epoch, timeMs: batch.timeMs };
}
