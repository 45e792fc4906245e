/**
 * Journal entries as bytes, strictly: a field or a kind that this version does not know stops the reader (I4).
 */
import { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../base/errors.js';
import { refuseUnknown, strictReader } from './records.js';

export type Entry = understudy.JournalEntry.$Properties;

export function encodeEntry(entry: Entry): Uint8Array {
  return understudy.JournalEntry.encode(entry).finish();
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
  const kind = entry.kind;
  const body = kind === undefined ? undefined : entry[kind];
  if (!body)
    throw new UnderstudyError('failed_precondition', `the journal needs version newer than this one: unknown kind of entry sn=${sn}`);
  refuseUnknown(body, `${kind} sn=${sn}`);
  return entry;
}
