/**
 * Extended attributes: small values that users (`user.`) and operators (`trusted.`) hang on an inode.
 *
 * An inode has at most 32 of them; a name has up to 255 bytes, name and value together up to 16 KiB, all names and values of an inode
 * together up to 64 KiB: an inode's row is written anew with each change. Attributes in `trusted.` are the superuser's alone: others neither
 * see nor set them. Other namespaces are a kernel's (`system.`, `security.`), and refused. Stored lists are in order of the names.
 */
import { type ErrorCode, UnderstudyError } from '../base/errors.js';
import type { Identity } from './access.js';

export interface Xattr {
  /** With its namespace: `user.project`. */
  readonly name: string;
  readonly value: Uint8Array;
}

/** What there has to be before: nothing (`create`), the attribute (`replace`), or either. */
export type XattrMode = 'create' | 'replace' | 'either';

const XATTRS_MAX = 32;
const NAME_BYTES_MAX = 255;
const XATTR_BYTES_MAX = 16 * 1024;
const TOTAL_BYTES_MAX = 64 * 1024;

/** @throws `invalid_argument`: no name of an attribute. @throws `permission_denied`: in a namespace that is not the caller's. */
export function checkXattrName(name: string, { user, isSuperuser }: Identity): void {
  const [, namespace] = /^([a-z]+)\.[^\p{Cc}]+$/u.exec(name) ?? [];
  if (namespace === undefined) throw refused('invalid_argument', 'an attribute has a name such as user.project', name);
  if (namespace !== 'user' && namespace !== 'trusted') {
    throw refused('invalid_argument', 'attributes are in the namespaces user and trusted', name);
  }
  if (namespace === 'trusted' && !isSuperuser) {
    throw new UnderstudyError('permission_denied', `permission denied: trusted attributes are the superuser's: user=${user} name=${name}`);
  }
  if (Buffer.byteLength(name) > NAME_BYTES_MAX)
    throw refused('invalid_argument', `a name of an attribute has up to ${NAME_BYTES_MAX} bytes`, name);
}

/** @returns the attributes that the caller may see. */
export function visibleXattrs(xattrs: readonly Xattr[], { isSuperuser }: Identity): readonly Xattr[] {
  return isSuperuser ? xattrs : xattrs.filter(({ name }) => name.startsWith('user.'));
}

/**
 * @param xattr its name checked.
 * @throws `already_exists`, `not_found`: not what `mode` asks for. @throws `resource_exhausted`: past a limit.
 */
export function withXattr(xattrs: readonly Xattr[], xattr: Xattr, mode: XattrMode): readonly Xattr[] {
  const { name, value } = xattr;
  const others = xattrs.filter((each) => each.name !== name);
  const isThere = others.length < xattrs.length;
  if (isThere && mode === 'create') throw refused('already_exists', 'the attribute exists', name);
  if (!isThere && mode === 'replace') throw refused('not_found', 'the attribute does not exist', name);
  if (bytesOf(xattr) > XATTR_BYTES_MAX) {
    throw refused('resource_exhausted', `an attribute has up to ${XATTR_BYTES_MAX} bytes with its name`, name);
  }
  if (others.length >= XATTRS_MAX) throw refused('resource_exhausted', `an inode has up to ${XATTRS_MAX} attributes`, name);
  const total = others.reduce((sum, each) => sum + bytesOf(each), bytesOf(xattr));
  if (total > TOTAL_BYTES_MAX) {
    throw refused('resource_exhausted', `the attributes of an inode have up to ${TOTAL_BYTES_MAX} bytes together`, name);
  }
  const made = [...others, { name, value }];
  return made.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws `not_found`. */
export function withoutXattr(xattrs: readonly Xattr[], name: string): readonly Xattr[] {
  const others = xattrs.filter((each) => each.name !== name);
  if (others.length === xattrs.length) throw refused('not_found', 'the attribute does not exist', name);
  return others;
}

const bytesOf = ({ name, value }: Xattr): number => Buffer.byteLength(name) + value.length;

function refused(code: ErrorCode, why: string, name: string): UnderstudyError {
  return new UnderstudyError(code, `${why}: name=${JSON.stringify(name)}`);
}
