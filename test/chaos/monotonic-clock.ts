/** A clock that all processes of this machine share: what happened in one of them can be put in order with what happened in another. */
import type { Clock } from '../../src/base/clock.js';
import { systemClock } from '../../src/base/system-clock.js';

export const machineClock: Clock = { ...systemClock, monotonicMs: () => Number(process.hrtime.bigint()) / 1e6 };
