/**
 * Journal entries for people and for programs: what an entry is called, which places of the namespace it concerns, and what else it says.
 */
import { type Entry, type EntryKind, kindOf } from './entries.js';
import type { Parent } from './records.js';
import { ROOT_ID, type State } from './state.js';

/** Every kind of value that an entry, decoded, is made of; bytes are hexadecimal. */
export type PlainValue = string | number | boolean | null | readonly PlainValue[] | { readonly [name: string]: PlainValue };

export interface EntryDescription {
  /** As in proto/journal.proto: `createFile` etc. */
  readonly kind: string;
  /** What it names in the tree. Of a reaped directory, that directory's children. */
  readonly places: readonly Parent[];
  /** All else that its kind says. */
  readonly fields: { readonly [name: string]: PlainValue };
  /** The client's call that it carries out, if it is one's. */
  readonly call: { readonly clientId: number; readonly callId: number } | null;
}

/** Depth of the tree (src/metadata/path.ts), and one: a chain of parents that is longer is damage. */
const DEPTH_MAX = 513;
const ENVELOPE = new Set(['timeMs', 'clientId', 'callId', 'lowestUnanswered', 'path', 'toPath']);
const PLACE_FIELDS = new Set(['parentId', 'name', 'names', 'parents', 'fromParentId', 'fromName', 'toParentId', 'toName', 'directoryId']);

export function describeEntry(entry: Entry): EntryDescription {
  const plain = plainOf(entry);
  const [kind = 'unknown', body = {}] = Object.entries(plain).find(([name]) => !ENVELOPE.has(name)) ?? [];
  const fields = Object.entries(body as { [name: string]: PlainValue }).filter(([name]) => !PLACE_FIELDS.has(name));
  const call = entry.clientId ? { clientId: entry.clientId, callId: entry.callId ?? 0 } : null;
  return { kind, places: placesOf(entry), fields: Object.fromEntries(fields), call };
}

interface Place {
  readonly parentId?: number | null;
  readonly name?: string | null;
}

/** Kinds that name no one place. */
const NOWHERE: ReadonlySet<EntryKind> = new Set([
  'renewLease',
  'touch',
  'updateMount',
  'queueWork',
  'workDone',
  'setCursor',
  'setConfig',
  'enableFeatures',
  'freeze',
  'unfreeze',
  'fork',
  'refusal',
  'registerClient',
  'expireClients',
  'digest',
  'retention',
  'claim',
]);

function placesOf(entry: Entry): Parent[] {
  const { createFile, createDirectory, rename, reap, load, group } = entry;
  if (group) return (group.entries ?? []).flatMap(placesOf);
  if (load) return [...(load.names ?? []), ...(load.gone ?? [])].map((name) => ({ parentId: load.directoryId ?? 0, name }));
  if (createFile) {
    const path = [...(createFile.parents ?? []), createFile.name ?? ''];
    return [{ parentId: createFile.parentId ?? 0, name: path.join('/') }];
  }
  if (createDirectory) return [{ parentId: createDirectory.parentId ?? 0, name: (createDirectory.names ?? []).join('/') }];
  if (rename) {
    return [
      { parentId: rename.fromParentId ?? 0, name: rename.fromName ?? '' },
      { parentId: rename.toParentId ?? 0, name: rename.toName ?? '' },
    ];
  }
  if (reap) return (reap.names ?? []).map((name) => ({ parentId: reap.directoryId ?? 0, name }));
  const kind = kindOf(entry);
  const single: Place | undefined | null = kind === undefined || NOWHERE.has(kind) ? undefined : (entry[kind] as Place);
  return single ? [{ parentId: single.parentId ?? 0, name: single.name ?? '' }] : [];
}

/** @returns the entry as plain values, with exactly the fields that it carries. */
export function plainOf(value: object): { [name: string]: PlainValue } {
  const out: { [name: string]: PlainValue } = {};
  for (const [name, field] of Object.entries(value)) {
    const isUnset = field === undefined || field === null || (Array.isArray(field) && field.length === 0);
    if (!isUnset && !name.startsWith('$')) out[name] = plainValue(field);
  }
  return out;
}

function plainValue(value: unknown): PlainValue {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === 'object' && value !== null) return plainOf(value);
  return value as PlainValue;
}

/** @returns the place as people know it; where its directory hangs below no root (detached, or unknown), by that directory's number. */
export function pathOf({ parentId, name }: Parent, state: Pick<State, 'parentOf'> | undefined): string {
  if (parentId === 0 && name === '') return '/';
  const names = name === '' ? [] : [name];
  let id = parentId;
  for (let depth = 0; state !== undefined && id !== ROOT_ID && depth < DEPTH_MAX; depth++) {
    const parent = state.parentOf(id);
    if (parent === null) break;
    names.unshift(parent.name);
    id = parent.parentId;
  }
  return `${id === ROOT_ID ? '' : `<${id}>`}/${names.join('/')}`;
}

/** Kinds that change what is below their place, too. */
const FROM_ABOVE: ReadonlySet<string> = new Set(['rename', 'remove', 'load', 'unmount'] satisfies EntryKind[]);

/** @returns whether what happens at `place` concerns `path`: it is there, below it, or a directory above it whose contents go, move or are loaded. */
export function concerns(kind: string, place: string, path: string): boolean {
  if (path === '/') return place.startsWith('/');
  return isWithin(place, path) || (FROM_ABOVE.has(kind) && (place === '/' || isWithin(path, place)));
}

const SLASH = 0x2f;

/** @returns whether `place` is `path` or below it. */
function isWithin(place: string, path: string): boolean {
  return place.startsWith(path) && (place.length === path.length || place.charCodeAt(path.length) === SLASH);
}
