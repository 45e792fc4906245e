/**
 * A namespace that is frozen: read only, for maintenance, until a superuser unfreezes it. One row of the state (`s` `freeze`), so that it holds
 * whoever leads.
 *
 * It binds the leader, which makes no entry that changes the namespace, whoever asks for it, itself included. What passes changes nothing that
 * anybody has stored: sessions and their renewed leases, recorded refusals, digests, retention, claims; what storage that is mounted has, which
 * reads bring to light; and that storage has been told of what was acknowledged before.
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import type { UnderstudyError } from '../base/errors.js';
import { type Entry, type EntryKind, kindOf } from './entries.js';
import type { RecordCodec } from './records.js';
import { refusal } from './refusals.js';
import { decodeStrictly } from './strict.js';

export interface Freeze {
  /** Who froze it. */
  readonly user: string;
  /** For people; may be empty. */
  readonly reason: string;
  /** Leader's time, Unix milliseconds. */
  readonly sinceMs: number;
}

export const freezeCodec: RecordCodec<Freeze> = {
  encode: (freeze) => encodeMessage(understudy.Freeze, { ...freeze }),
  decode: (bytes) => freezeOf(decodeStrictly(understudy.Freeze, bytes, 'freeze')),
};

export function freezeOf({ user, reason, sinceMs }: understudy.Freeze.$Properties): Freeze {
  return { user: user ?? '', reason: reason ?? '', sinceMs: sinceMs ?? 0 };
}

const PASSING: ReadonlySet<EntryKind> = new Set([
  'unfreeze',
  'refusal',
  'registerClient',
  'expireClients',
  'renewLease',
  'load',
  'workDone',
  'digest',
  'retention',
  'claim',
]);

function passes(entry: Entry): boolean {
  // What is told of work that is done comes with it.
  if (entry.group?.entries?.[0]?.workDone) return true;
  if (entry.group) return (entry.group.entries ?? []).every(passes);
  const kind = kindOf(entry);
  return kind !== undefined && PASSING.has(kind);
}

/** @throws EROFS: nothing of the kind happens while the namespace is frozen. */
export function checkThawed(entry: Entry, freeze: Freeze | null): void {
  if (freeze !== null && !passes(entry)) throw frozen(freeze);
}

function frozen({ user, reason, sinceMs }: Freeze): UnderstudyError {
  const since = new Date(sinceMs).toISOString();
  return refusal('EROFS', 'the namespace is frozen for maintenance', '', `by=${user} since=${since} reason=${JSON.stringify(reason)}`);
}
