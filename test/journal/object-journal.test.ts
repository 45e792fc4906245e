import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { formatObjectJournal } from '../../src/journal/format-object-journal.js';
import { MemoryObjects } from '../../src/journal/memory-object-store.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import { journalContract, OBJECT_TRAITS } from '../contract/journal-contract.js';

const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
const settings = { batchBytesMax: 32 << 10, pollIntervalMs: 1, giveUpMs: 2_000 };

journalContract(
  'object journal in memory',
  async () => {
    const objects = new MemoryObjects({ clock: systemClock });
    await formatObjectJournal(settings, { ...surroundings, store: objects.open() });
    return {
      open: (pause) => ObjectJournal.open(settings, { ...surroundings, store: objects.open(), ...(pause === undefined ? {} : { pause }) }),
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
  OBJECT_TRAITS,
);
