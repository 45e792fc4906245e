/**
 * The names of a journal's objects, and the settings of a journal on an object store.
 *
 *     FORMAT                                    what this journal is (format-file.ts); made last, exclusively
 *     <incarnation>/log/<slot>                  one batch each, slots 1, 2, 3 … without a gap
 *     <incarnation>/boundary/<slot>-<sn>        below this slot objects may be gone; never changed, the highest counts
 *     <incarnation>/intent/<epoch>-<random>     a claimant asks the leader of that epoch for a pause
 *     <incarnation>/checkpoint/<sn>-<id>/…      parts and, last, the manifest
 *     probe/<random>                            by which a bucket's conditions are tried
 *
 * Everything but FORMAT is below the incarnation: what a writer of an older one still has under way cannot land in a newer one's log.
 */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import { BATCH_BYTES_LIMIT } from './batch-format.js';
import type { FormatFile } from './format-file.js';
import type { StepHook } from './journal-step.js';
import type { ObjectStore } from './object-store.js';

export interface ObjectJournalSettings {
  /** Default 8 MiB. */
  readonly batchBytesMax?: number;
  /** How often a reader looks for more. Default 250. */
  readonly pollIntervalMs?: number;
  /** How long a writer sends the same bytes again before it gives up and dies. Default 10,000. */
  readonly giveUpMs?: number;
  /** Another cluster's journal is refused. Default: any. */
  readonly clusterId?: string;
}

export interface ObjectJournalDeps {
  /** Closed by whoever opened it, after the journal. */
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** For tests: awaited between the steps of claims and appends. */
  readonly pause?: StepHook;
}

/** Everything that the parts of one open journal share. */
export interface ObjectContext {
  readonly settings: Required<Omit<ObjectJournalSettings, 'clusterId'>>;
  readonly deps: ObjectJournalDeps;
  readonly format: FormatFile;
}

export function objectContext(settings: ObjectJournalSettings, deps: ObjectJournalDeps, format: FormatFile): ObjectContext {
  const { batchBytesMax = 8 << 20, pollIntervalMs = 250, giveUpMs = 10_000 } = settings;
  return { settings: { batchBytesMax: Math.min(batchBytesMax, BATCH_BYTES_LIMIT), pollIntervalMs, giveUpMs }, deps, format };
}

export const FORMAT_KEY = 'FORMAT';
export const PROBE_PREFIX = 'probe/';

const DIGITS = 20;
const numbered = (value: number): string => String(value).padStart(DIGITS, '0');

export const logPrefix = (format: FormatFile): string => `${format.incarnationId}/log/`;
export const slotKey = (format: FormatFile, slot: number): string => logPrefix(format) + numbered(slot);
export const slotOf = (key: string): number => Number(key.slice(-DIGITS));

export const boundaryPrefix = (format: FormatFile): string => `${format.incarnationId}/boundary/`;
/** @param sn the journal's end when it was made: a later one has a higher name, and no other has the same. */
export const boundaryKey = (format: FormatFile, slot: number, sn: number): string =>
  `${boundaryPrefix(format)}${numbered(slot)}-${numbered(sn)}`;
export const boundarySlotOf = (key: string): number => Number(key.slice(-2 * DIGITS - 1, -DIGITS - 1));

export const intentPrefix = (format: FormatFile): string => `${format.incarnationId}/intent/`;
export const intentKey = (format: FormatFile, epoch: number, random: string): string =>
  `${intentPrefix(format)}${numbered(epoch)}-${random}`;
export const intentEpochOf = (format: FormatFile, key: string): number => Number(key.slice(intentPrefix(format).length).slice(0, DIGITS));

export const checkpointsPrefix = (format: FormatFile): string => `${format.incarnationId}/checkpoint/`;
export const checkpointPrefix = (format: FormatFile, sn: number, id: string): string =>
  `${checkpointsPrefix(format)}${numbered(sn)}-${id}/`;
