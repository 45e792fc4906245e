/**
 * Journal entries as bytes, strictly: a field or a kind that this version does not know stops the reader (I4).
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import { needsVersionFor } from '../base/needs-version.js';
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
    throw needsVersionFor(`kind of entry sn=${sn}`);
  }
  if (kinds.length > 1) throw new UnderstudyError('corrupt', `journal entry has several kinds: sn=${sn} kinds=${kinds.join()}`);
  refuseUnknown(entry[kind] ?? {}, `${kind} sn=${sn}`);
  for (const within of messagesIn(entry)) if (within != null) refuseUnknown(within, `${kind} sn=${sn}`);
  return entry;
}

/** @returns the messages within that of the entry's kind. */
function messagesIn({
  createFile,
  createDirectory,
  refusal,
  retention,
}: understudy.JournalEntry): readonly (Unknowns | null | undefined)[] {
  if (createFile != null) return [createFile.inode, createFile.parentsInode];
  if (createDirectory != null) return [createDirectory.inode];
  if (refusal != null) return [refusal.inode];
  return retention?.checkpoints ?? [];
}

type Unknowns = Parameters<typeof refuseUnknown>[0];
