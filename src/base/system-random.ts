import { randomBytes } from 'node:crypto';
import type { Random } from './random.js';

/** Unpredictable bytes from the operating system. */
export const systemRandom: Random = {
  float: () => Math.random(),
  bytes: (count: number) => new Uint8Array(randomBytes(count)),
};
