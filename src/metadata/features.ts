/**
 * Features of a journal: kinds of entries that later releases brought, and that are written only once they are switched on.
 *
 * Masters of two adjacent versions follow one journal while a cluster is upgraded. What the older one cannot read must not be written before
 * the last master has the newer version; then an operator switches it on, by an entry, for good (docs/compatibility.md). A journal that begins
 * with this release begins with all of them.
 *
 * A release that brings kinds of entries brings a row here. Rows stay for as long as journals are read that do not have them.
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import { needsVersionFor } from '../base/needs-version.js';
import type { RecordCodec } from './records.js';
import { decodeStrictly } from './strict.js';

type Entry = understudy.JournalEntry.$Properties;

/** As it is written down: one that is not known here is told with the release that is needed. */
export interface Feature {
  readonly name: string;
  /** Version of the first release that has it. */
  readonly since: string;
}

interface KnownFeature extends Feature {
  /** For people. */
  readonly what: string;
  /** Entries that may be written only where it is on. */
  readonly kinds: readonly (keyof Entry)[];
}

/** Complete files that are to be persisted have rows `b` from here on (src/metadata/apply-inode.ts): no kind of entry, but other rows. */
export const PERSIST = 'persist';

/** In byte order of their names. */
export const FEATURES: readonly KnownFeature[] = [
  { name: 'fork', since: '0.1.0', what: 'forks of other clusters (understudy fork)', kinds: ['fork'] },
  { name: 'freeze', since: '0.1.0', what: 'a read-only namespace (fsadmin freeze, fsadmin unfreeze)', kinds: ['freeze', 'unfreeze'] },
  { name: PERSIST, since: '0.1.0', what: 'files written to mounted storage by workers', kinds: [] },
  { name: 'settings', since: '0.1.0', what: 'settings kept in the journal (fsadmin config, fsadmin pathConf)', kinds: ['setConfig'] },
];

/** Those that are on: of each name its `since`. */
export type Features = ReadonlyMap<string, string>;

export const NO_FEATURES: Features = new Map();

export const featuresCodec: RecordCodec<Features> = {
  encode: (features) => encodeMessage(understudy.Features, { features: [...features].map(([name, since]) => ({ name, since })) }),
  decode(bytes) {
    const { features } = decodeStrictly(understudy.Features, bytes, 'features');
    checkKnown(features);
    return withFeatures(NO_FEATURES, features.map(featureOf));
  },
};

export function featureOf({ name, since }: understudy.Feature.$Properties): Feature {
  return { name: name ?? '', since: since ?? '' };
}

export function withFeatures(before: Features, more: readonly Feature[]): Features {
  const all = new Map([...before, ...more.map(({ name, since }) => [name, since] as const)]);
  return new Map([...all].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

/** @throws `failed_precondition` (`needs version`): one of them this release does not know. */
export function checkKnown(features: readonly understudy.Feature.$Properties[]): void {
  const unknown = features.find(({ name }) => !FEATURES.some((known) => known.name === name));
  if (unknown !== undefined) throw needsVersionFor(`feature of the journal: feature=${unknown.name} since=${unknown.since}`);
}

/** Kinds of entries that need a feature, and which. */
const NEEDS = FEATURES.flatMap((feature) => feature.kinds.map((kind) => ({ kind, feature })));

/** @throws `failed_precondition`: `entry`, or one of its group, needs a feature that is not switched on. */
export function checkEnabled(entry: Entry, enabled: Features): void {
  if (enabled.size === FEATURES.length) return;
  for (const { kind, feature } of NEEDS) if (entry[kind] != null && !enabled.has(feature.name)) throw notEnabled(feature);
  for (const step of entry.group?.entries ?? []) checkEnabled(step, enabled);
}

function notEnabled({ name, what }: KnownFeature): UnderstudyError {
  const todo = `once all masters have this version: understudy fsadmin features enable ${name}`;
  return new UnderstudyError('failed_precondition', `this journal does not have this feature yet: ${what}; ${todo}: feature=${name}`);
}
