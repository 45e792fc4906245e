/** What every tool passes on: the real clock and chance, and a log that tells people what is worth it. */
import type { Log } from '../base/log.js';
import { silentLog } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import { systemRandom } from '../base/system-random.js';
import { complain } from './output.js';

const complaining: Log = {
  ...silentLog,
  warn: ({ error }, message) => complain(error instanceof Error ? `${message}: ${error.message}` : message),
};

export const TOOL_DEPS = { clock: systemClock, random: systemRandom, log: complaining };
