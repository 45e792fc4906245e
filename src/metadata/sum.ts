/**
 * Sums of bytes, which pass 2^53: bigint inside the program, two limbs where they are stored or sent (message Sum in proto/records.proto).
 */
import type { understudy } from '#proto/understudy.js';

/** Sums stay at or below this, as programs that keep them in 64 signed bits expect. */
export const SUM_MAX = 2n ** 63n - 1n;

type SumMessage = understudy.Sum.$Properties;

/** @returns null for 0, which is left out. */
export function sumMessage(sum: bigint): SumMessage | null {
  return sum === 0n ? null : { high: Number(sum >> 32n), low: Number(sum & 0xffff_ffffn) };
}

export function sumOf(message: SumMessage | null | undefined): bigint {
  return message == null ? 0n : (BigInt(message.high ?? 0) << 32n) + BigInt(message.low ?? 0);
}
