/**
 * What is kept of a directory journal, as its leaders have made it known: in their marks, which each new epoch repeats. And its collection.
 *
 * A leader deletes only by a retention whose mark was durable before it found its own fence clean. So whoever fences it later, and reads the
 * marks after that, knows of every deletion; what a mark names is there as long as no later mark says otherwise.
 */
import path from 'node:path';
import { UnderstudyError } from '../base/errors.js';
import { NOTHING_RETAINED, type Retention } from './checkpoints.js';
import { CHECKPOINT_NAME, checkpointFolder, type DirectoryContext, logFolder, SEGMENT_NAME } from './directory-layout.js';
import { checkOnChain, lastStartBelow, legsBehind } from './epoch-chain.js';
import type { ChainPoint } from './journal.js';
import type { Ledger } from './ledger.js';
import type { Place, Slot } from './page-format.js';

/** Files that one call deletes at most; the next goes on. */
const DELETED_MAX = 1000;

/**
 * @param from no mark above this epoch counts.
 * @returns what the newest mark says.
 */
export async function newestRetention(ledger: Ledger, from: number): Promise<Retention> {
  for (let epoch = from; epoch >= 1; epoch--) {
    const { mark } = await ledger.read(epoch);
    if (mark !== undefined) return mark.retention;
  }
  return NOTHING_RETAINED;
}

/**
 * @param committed an epoch that is known to have committed; 0: none.
 * @throws `out_of_range` where what follows `from` may be deleted; `diverged` where another batch ends at the boundary.
 */
export async function checkNotCollected(ledger: Ledger, from: ChainPoint, committed = 0): Promise<void> {
  const { boundary } = await newestRetention(ledger, await ledger.fenceBoundary(committed));
  if (boundary === null || from.sn > boundary.point.sn) return;
  if (from.sn === boundary.point.sn) return checkOnChain(boundary, from);
  throw new UnderstudyError(
    'out_of_range',
    `what follows has been collected: begin again from a checkpoint: sn=${from.sn} boundary=${boundary.point.sn}`,
  );
}

/**
 * Deletes what `retention` does not need: the segments of all epochs below the one whose log holds what follows the boundary, and of that one
 * those whose successor begins at or below it; and every checkpoint that is below it, finished or not. Listings only say where to look: what
 * is missing from them is left for the next time.
 *
 * @param tip the slot of the caller's own epoch, and how far its log is known to be committed.
 * @param before awaited before each deletion; what it throws ends the collection.
 */
export async function collect(
  context: DirectoryContext,
  ledger: Ledger,
  { tip, retention, before }: { readonly tip: { slot: Slot; end: Place }; readonly retention: Retention; before(): Promise<void> },
): Promise<void> {
  const { boundary } = retention;
  if (boundary === null) return;
  const [lowest] = await legsBehind(context, ledger, { slot: tip.slot, limit: undefined }, boundary.point);
  if (lowest === undefined) return;
  const { epoch: lowestEpoch } = lowest.slot;
  const start = await lastStartBelow(context, lowest.limit ?? tip.end, boundary.point.sn);
  const folders = [
    {
      at: logFolder(context.settings.folder),
      name: SEGMENT_NAME,
      isPast: (epoch: number, segment: number) => epoch < lowestEpoch || (epoch === lowestEpoch && segment < (start?.segment ?? 0)),
    },
    { at: checkpointFolder(context.settings.folder), name: CHECKPOINT_NAME, isPast: (sn: number) => sn < boundary.point.sn },
  ];
  let left = DELETED_MAX;
  for (const { at, name, isPast } of folders) {
    for (const file of (await context.deps.files.listFolder(at)).sort()) {
      const [, ...parts] = name.exec(file) ?? [];
      if (left === 0 || parts.length === 0 || !isPast(Number(parts[0]), Number(parts[1]))) continue;
      await before();
      await context.deps.files.removeFile(path.join(at, file));
      left -= 1;
    }
  }
  if (left < DELETED_MAX) context.deps.log.info({ files: DELETED_MAX - left, below: boundary.point.sn }, 'collected the journal');
}
