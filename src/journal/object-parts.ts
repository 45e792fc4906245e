/** What the claims, readers and writers of one open journal on an object store share. */
import { Boundaries } from './boundaries.js';
import type { ObjectContext } from './object-layout.js';
import { Places } from './places.js';
import { SlotLog } from './slot-log.js';

export interface ObjectJournalParts {
  readonly context: ObjectContext;
  readonly log: SlotLog;
  readonly boundaries: Boundaries;
  readonly places: Places;
}

export function objectParts(context: ObjectContext): ObjectJournalParts {
  const log = new SlotLog(context);
  const boundaries = new Boundaries(context);
  return { context, log, boundaries, places: new Places(log, boundaries) };
}
