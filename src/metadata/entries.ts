/**
 * Journal entries as bytes, strictly: a field or a kind that this version does not know stops the reader (I4).
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import { refuseUnknown, strictReader } from './records.js';

/** The most frequent ones first. */
const ENTRY_KINDS = [
  'createFile',
  'completeFile',
  'createDirectory',
  'rename',
  'remove',
  'setAttributes',
  'reap',
  'refusal',
  'registerClient',
  'expireClients',
  'digest',
  'retention',
  'claim',
] as const;

export type Entry = understudy.JournalEntry.$Properties;

export function encodeEntry(entry: Entry): Uint8Array {
  return encodeMessage(understudy.JournalEntry, entry);
}

/** @throws `corrupt`: not an entry. @throws `failed_precondition` (`needs version`): made by a later version. */
export function decodeEntry(bytes: Uint8Array, sn: number): understudy.JournalEntry {
  let entry: understudy.JournalEntry;
  try {
    entry = understudy.JournalEntry.decode(strictReader(bytes));
  } catch (cause) {
    throw new UnderstudyError('corrupt', `journal entry is damaged: sn=${sn}`, { cause });
  }
  refuseUnknown(entry, `entry sn=${sn}`);
  const kinds = ENTRY_KINDS.filter((kind) => entry[kind] != null);
  const [kind] = kinds;
  if (kind === undefined) {
    throw new UnderstudyError('failed_precondition', `the journal needs version newer than this one: unknown kind of entry sn=${sn}`);
  }
  if (kinds.length > 1) throw new UnderstudyError('corrupt', `journal entry has several kinds: sn=${sn} kinds=${kinds.join()}`);
  refuseUnknown(entry[kind] ?? {}, `${kind} sn=${sn}`);
  return entry;
}
