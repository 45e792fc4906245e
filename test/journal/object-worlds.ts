/** Journals on real object stores, as the contract suite takes them: each in a prefix of its own. */
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import { formatObjectJournal } from '../../src/journal/format-object-journal.js';
import type { StepHook } from '../../src/journal/journal-step.js';
import { ObjectJournal } from '../../src/journal/object-journal.js';
import type { ObjectJournalSettings } from '../../src/journal/object-layout.js';
import type { ObjectStore } from '../../src/journal/object-store.js';
import { S3ObjectStore } from '../../src/journal/s3-object-store.js';
import type { JournalWorld } from '../contract/journal-contract.js';
import { CREDENTIALS } from '../servers/s3.js';

const SURROUNDINGS = { clock: systemClock, random: systemRandom, log: silentLog };
export const SMALL: ObjectJournalSettings = { batchBytesMax: 32 << 10, pollIntervalMs: 5, giveUpMs: 5_000 };

let prefixes = 0;

/** @returns a prefix that nobody else uses. */
export function newPrefix(): string {
  prefixes += 1;
  return `journal-${process.pid}-${prefixes}/`;
}

export interface BucketPlace {
  readonly endpoint: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly requestTimeoutMs?: number;
}

export function openStore({ endpoint, bucket, prefix, requestTimeoutMs = 5_000 }: BucketPlace): ObjectStore {
  const settings = { bucket, prefix, endpoint, region: 'us-east-1', pathStyle: true, credentials: CREDENTIALS, requestTimeoutMs };
  return new S3ObjectStore(settings, { clock: systemClock });
}

/** An empty journal in that place. */
export async function objectWorld(place: BucketPlace, settings: ObjectJournalSettings = SMALL): Promise<JournalWorld> {
  const stores: ObjectStore[] = [];
  const open = (): ObjectStore => {
    const store = openStore(place);
    stores.push(store);
    return store;
  };
  await formatObjectJournal(settings, { ...SURROUNDINGS, store: open() });
  return {
    open: (pause?: StepHook) => ObjectJournal.open(settings, { ...SURROUNDINGS, store: open(), ...(pause === undefined ? {} : { pause }) }),
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.close();
    },
  };
}
