/**
 * Journal entries as bytes, strictly: a field or a kind that this version does not know stops the reader (I4).
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import { needsVersionFor } from '../base/needs-version.js';
import { checkKnown } from './features.js';
import { decodeStrictly } from './strict.js';

/** The most frequent ones first. */
const ENTRY_KINDS = [
  'createFile',
  'completeFile',
  'createDirectory',
  'rename',
  'remove',
  'setAttributes',
  'reap',
  'addBlocks',
  'group',
  'load',
  'touch',
  'appendFile',
  'truncateFile',
  'concat',
  'setAcl',
  'setXattr',
  'renewLease',
  'queueWork',
  'workDone',
  'setCursor',
  'setConfig',
  'enableFeatures',
  'freeze',
  'unfreeze',
  'fork',
  'mount',
  'unmount',
  'updateMount',
  'refusal',
  'registerClient',
  'expireClients',
  'digest',
  'retention',
  'claim',
] as const;

export type EntryKind = (typeof ENTRY_KINDS)[number];

export type Entry = understudy.JournalEntry.$Properties;

export function encodeEntry(entry: Entry): Uint8Array {
  return encodeMessage(understudy.JournalEntry, entry);
}

/** @throws `corrupt`: not an entry. @throws `failed_precondition` (`needs version`): made by a later version. */
export function decodeEntry(bytes: Uint8Array, sn: number): understudy.JournalEntry {
  const entry = decodeStrictly(understudy.JournalEntry, bytes, `entry sn=${sn}`);
  checkKinds(entry, sn);
  return entry;
}

/** @returns the kind of an entry, undefined where it has none that is known. */
export function kindOf(entry: Entry): EntryKind | undefined {
  return ENTRY_KINDS.find((kind) => entry[kind] != null);
}

function checkKinds(entry: Entry, sn: number): void {
  let found: EntryKind | undefined;
  for (const kind of ENTRY_KINDS) {
    if (entry[kind] == null) continue;
    if (found !== undefined) throw new UnderstudyError('corrupt', `journal entry has several kinds: sn=${sn} kinds=${found},${kind}`);
    found = kind;
  }
  if (found === undefined) throw needsVersionFor(`kind of entry sn=${sn}`);
  // Here, before anything of its batch is applied.
  const { features } = entry.enableFeatures ?? entry.claim ?? {};
  if (features) checkKnown(features);
  if (found === 'group') for (const step of entry.group?.entries ?? []) checkKinds(step, sn);
}
