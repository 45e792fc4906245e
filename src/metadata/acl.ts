/**
 * Access control lists as POSIX 1003.1e draft 17 has them, edited as `setfacl` does.
 *
 * An inode holds its mode and a list of entries. A minimal list (owner, owning group, others) *is* the mode, and is not stored. With an
 * extended one the mode's group bits are the mask, so that chmod changes the mask and needs to know of no list; what the owning group may
 * do stands in a stored `group` entry without a name, and that entry is how an extended list is known. Owner and others stay in the mode.
 * A directory's default list, what new children get, is stored whole.
 *
 * Stored lists are in one order (`compareEntries`), so that equal lists are equal bytes (I4).
 */
import { UnderstudyError } from '../base/errors.js';

export type AclKind = 'user' | 'group' | 'mask' | 'other';

export interface AclEntry {
  /** Of a directory's default list. */
  readonly isDefault: boolean;
  readonly kind: AclKind;
  /** Empty: the owner or the owning group; always so for mask and other. */
  readonly name: string;
  /** r 4, w 2, x 1. */
  readonly permissions: number;
}

/** An entry to be removed. */
export type AclName = Omit<AclEntry, 'permissions'>;

/** What an inode holds of permissions. */
export interface Permissions {
  /** Twelve bits. */
  readonly mode: number;
  /** Stored entries. */
  readonly acl: readonly AclEntry[];
}

/** Entries of an inode's list, mask and owner included, and as many of its default list, as HDFS allows. */
const ENTRIES_MAX = 32;

const KINDS: readonly AclKind[] = ['user', 'group', 'mask', 'other'];
const BASE: readonly AclKind[] = ['user', 'group', 'other'];

/** A list by kind and name, complete: owner, owning group and others are in it, and a mask where it is extended. */
type Scope = Map<string, AclEntry>;

/** @returns all entries, those that the mode holds included, in the order in which `getfacl` tells them. */
export function wholeAcl(held: Permissions): AclEntry[] {
  return [...accessScope(held).values(), ...defaultScope(held).values()].sort(compareEntries);
}

/** @param acl stored entries. @returns whether the mode's group bits are a mask. */
export function isExtended(acl: readonly AclEntry[]): boolean {
  return acl[0]?.isDefault === false;
}

/** Adds entries or changes those that are there (`setfacl -m`). @throws `invalid_argument`. */
export function modifyAcl(held: Permissions, entries: readonly AclEntry[], directory: boolean): Permissions {
  checkEntries(entries, directory);
  const scopes = { access: accessScope(held), default: defaultScope(held) };
  for (const entry of entries) scopes[scopeName(entry)].set(keyOf(entry), entry);
  return sealed(held, scopes, entries);
}

/** Removes entries (`setfacl -x`); one that is not there is none to remove. @throws `invalid_argument`. */
export function removeAclEntries(held: Permissions, entries: readonly AclName[], directory: boolean): Permissions {
  checkEntries(entries, directory);
  const scopes = { access: accessScope(held), default: defaultScope(held) };
  for (const entry of entries) scopes[scopeName(entry)].delete(keyOf(entry));
  return sealed(held, scopes, entries);
}

/**
 * Makes `entries` the list (`setfacl --set`); without any of the default list, or none but those, the other one stays.
 *
 * @throws `invalid_argument`, also where owner, owning group or others are missing in a list that is no default one.
 */
export function replaceAcl(held: Permissions, entries: readonly AclEntry[], directory: boolean): Permissions {
  checkEntries(entries, directory);
  const scopes = { access: accessScope(held), default: defaultScope(held) };
  for (const entry of entries) scopes[scopeName(entry)].clear();
  for (const entry of entries) scopes[scopeName(entry)].set(keyOf(entry), entry);
  return sealed(held, scopes, entries);
}

/** Drops the default list (`setfacl -k`). */
export function removeDefaultAcl(held: Permissions): Permissions {
  return { mode: held.mode, acl: held.acl.filter(({ isDefault }) => !isDefault) };
}

/** Drops all but the mode (`setfacl -b`); the owning group keeps what the mask let it do. */
export function removeAcl(held: Permissions): Permissions {
  const owningGroup = held.acl.find(isOwningGroup);
  return { mode: owningGroup === undefined ? held.mode : withBits(held.mode, 3, owningGroup.permissions & (held.mode >> 3)), acl: [] };
}

/**
 * What a new inode gets: its mode, of which the umask takes bits only where the parent has no default list; else that list, of which the
 * mode takes bits. A directory inherits the default list as its own, too.
 *
 * @param mode as asked for, without the umask.
 */
export function inheritedPermissions(parentAcl: readonly AclEntry[], mode: number, umask: number, directory: boolean): Permissions {
  const defaults = parentAcl.filter(({ isDefault }) => isDefault);
  if (defaults.length === 0) return { mode: mode & ~umask, acl: [] };
  const access: Scope = new Map(defaults.map((entry) => [keyOf(entry), { ...entry, isDefault: false }]));
  const narrow = (kind: AclKind, shift: number) => {
    const entry = access.get(`${kind}:`);
    if (entry !== undefined) access.set(`${kind}:`, { ...entry, permissions: entry.permissions & (mode >> shift) });
  };
  narrow('user', 6);
  narrow(access.has('mask:') ? 'mask' : 'group', 3);
  narrow('other', 0);
  const made = stored(mode, access);
  return directory ? { mode: made.mode, acl: [...made.acl, ...defaults] } : made;
}

/** @returns what `entry` of the whole list `acl` lets its user or group do: the mask takes bits from all but owner and others. */
export function effectivePermissions(entry: AclEntry, acl: readonly AclEntry[]): number {
  const isMasked = entry.kind === 'group' || (entry.kind === 'user' && entry.name !== '');
  const mask = acl.find(({ kind, isDefault }) => kind === 'mask' && isDefault === entry.isDefault);
  return isMasked && mask !== undefined ? entry.permissions & mask.permissions : entry.permissions;
}

/** Access list first; user, group, mask, other; without a name first, then by name. */
function compareEntries(a: AclName, b: AclName): number {
  if (a.isDefault !== b.isDefault) return a.isDefault ? 1 : -1;
  if (a.kind !== b.kind) return KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

const keyOf = ({ kind, name }: AclName): string => `${kind}:${name}`;
const scopeName = ({ isDefault }: AclName): 'access' | 'default' => (isDefault ? 'default' : 'access');
const isOwningGroup = ({ isDefault, kind, name }: AclEntry): boolean => !isDefault && kind === 'group' && name === '';
const withBits = (mode: number, shift: number, bits: number): number => (mode & ~(7 << shift)) | (bits << shift);
const bad = (message: string): UnderstudyError => new UnderstudyError('invalid_argument', message, { errno: 'EINVAL' });

/** @returns the entry as messages show it. */
const shown = ({ isDefault, kind, name }: AclName): string => `${isDefault ? 'default:' : ''}${kind}:${name}`;

/** @throws `invalid_argument`. */
function checkEntries(entries: readonly (AclName | AclEntry)[], directory: boolean): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    if (seen.has(shown(entry))) throw bad(`an entry stands twice in the list: entry=${shown(entry)}`);
    seen.add(shown(entry));
    if (entry.isDefault && !directory) throw bad(`only directories have a default list: entry=${shown(entry)}`);
    if (!KINDS.includes(entry.kind)) throw bad(`not a kind of entry: kind=${entry.kind}`);
    if ((entry.kind === 'mask' || entry.kind === 'other') && entry.name !== '')
      throw bad(`mask and other have no name: entry=${shown(entry)}`);
    if ('permissions' in entry && !(Number.isInteger(entry.permissions) && entry.permissions >= 0 && entry.permissions <= 7)) {
      throw bad(`permissions have three bits: entry=${shown(entry)} permissions=${entry.permissions}`);
    }
  }
}

function accessScope({ mode, acl }: Permissions): Scope {
  const scope: Scope = new Map();
  const put = (kind: AclKind, permissions: number) => scope.set(`${kind}:`, { isDefault: false, kind, name: '', permissions });
  put('user', (mode >> 6) & 7);
  put(isExtended(acl) ? 'mask' : 'group', (mode >> 3) & 7);
  put('other', mode & 7);
  for (const entry of acl) if (!entry.isDefault) scope.set(keyOf(entry), entry);
  return scope;
}

function defaultScope({ acl }: Permissions): Scope {
  return new Map(acl.filter(({ isDefault }) => isDefault).map((entry) => [keyOf(entry), entry]));
}

/** Completes the lists that an edit touched, checks them and brings them to their stored form. */
function sealed(held: Permissions, scopes: { readonly access: Scope; readonly default: Scope }, edit: readonly AclName[]): Permissions {
  if (scopes.default.size > 0) {
    for (const kind of BASE) {
      const own = scopes.access.get(`${kind}:`);
      if (!scopes.default.has(`${kind}:`) && own !== undefined) scopes.default.set(`${kind}:`, { ...own, isDefault: true });
    }
  }
  for (const [name, scope] of Object.entries(scopes)) {
    const touched = edit.filter((entry) => scopeName(entry) === name);
    if (touched.length > 0 && touched.every(({ kind }) => kind !== 'mask')) renewMask(scope);
    checkScope(scope, name === 'default');
  }
  const access = stored(held.mode, scopes.access);
  return { mode: access.mode, acl: [...access.acl, ...[...scopes.default.values()].sort(compareEntries)] };
}

/** Gives an extended list the mask that takes nothing from anybody. */
function renewMask(scope: Scope): void {
  const entries = [...scope.values()];
  const mask = scope.get('mask:') ?? entries.find(({ name }) => name !== '');
  if (mask === undefined) return;
  const masked = entries.filter(({ kind, name }) => kind === 'group' || (kind === 'user' && name !== ''));
  const permissions = masked.reduce((all, entry) => all | entry.permissions, 0);
  scope.set('mask:', { isDefault: mask.isDefault, kind: 'mask', name: '', permissions });
}

/** @throws `invalid_argument`. */
function checkScope(scope: Scope, isDefault: boolean): void {
  if (isDefault && scope.size === 0) return;
  const list = isDefault ? 'the default list' : 'the list';
  const missing = BASE.find((kind) => !scope.has(`${kind}:`));
  if (missing !== undefined) throw bad(`${list} needs an entry for the owner, the owning group and others: missing=${missing}::`);
  const isNamed = [...scope.values()].some(({ name }) => name !== '');
  if (isNamed && !scope.has('mask:')) throw bad(`${list} has entries with names and needs its mask`);
  if (scope.size > ENTRIES_MAX) throw bad(`${list} has too many entries: entries=${scope.size} max=${ENTRIES_MAX}`);
}

/** @returns a complete access list as mode and stored entries; the mode's upper three bits are kept. */
function stored(mode: number, access: Scope): Permissions {
  const bits = (kind: AclKind) => access.get(`${kind}:`)?.permissions ?? 0;
  const extended = access.has('mask:');
  const whole = (mode & 0o7000) | (bits('user') << 6) | (bits(extended ? 'mask' : 'group') << 3) | bits('other');
  const kept = [...access.values()].filter(({ kind, name }) => name !== '' || kind === 'group');
  return { mode: whole, acl: extended ? kept.sort(compareEntries) : [] };
}
