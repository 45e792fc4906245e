/** How long the requests take by which a journal in a bucket commits and reads. */
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { sorted, type Times, timed } from './folder-probe.js';
import { PROBE_PREFIX } from './object-layout.js';
import type { ObjectStore } from './object-store.js';

const REQUESTS = 30;
const OBJECT_BYTES = 16 << 10;

/** Leaves nothing behind, unless it fails. @throws as `ObjectStore`. */
export async function timeBucket(
  store: ObjectStore,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal?: AbortSignal,
): Promise<{ readonly createMs: Times; readonly getMs: Times }> {
  const name = Buffer.from(random.bytes(8)).toString('hex');
  const [createMs, getMs]: [number[], number[]] = [[], []];
  for (let i = 0; i < REQUESTS; i++) {
    const key = `${PROBE_PREFIX}${name}-${i}`;
    createMs.push(await timed(clock, async () => void (await store.create(key, random.bytes(OBJECT_BYTES), signal))));
    getMs.push(await timed(clock, async () => void (await store.get(key, signal))));
    await store.delete(key, signal);
  }
  return { createMs: sorted(createMs), getMs: sorted(getMs) };
}
