/**
 * Extended attributes: small values that users (`user.`) and operators (`trusted.`) hang on an inode.
 *
 * An inode has at most 32 of them; a name has up to 255 bytes, name and value together up to 16 KiB, all names and values of an inode
 * together up to 64 KiB: an inode's row of them is written anew with each change. Attributes in `trusted.` are the superuser's alone: others
 * neither see nor set them. Other namespaces are a kernel's (`system.`, `security.`), and refused. Stored lists are in order of the names.
 */
import type { Identity } from './access.js';
import { type Errno, refusal } from './refusals.js';
import type { Xattr, Xattrs } from './xattrs.js';

/** What there has to be before: nothing (`create`), the attribute (`replace`), or either. */
export type XattrMode = 'create' | 'replace' | 'either';

const XATTRS_MAX = 32;
const NAME_BYTES_MAX = 255;
const XATTR_BYTES_MAX = 16 * 1024;
const TOTAL_BYTES_MAX = 64 * 1024;
const USER_NAMESPACE = 'user.';

/** @param path for messages, likewise below. @throws EINVAL; EPERM: in a namespace that is not the caller's; ENOTSUP: in a kernel's. */
export function checkXattrName(name: string, { user, isSuperuser }: Identity, path: string): void {
  const [, namespace] = /^([a-z]+)\.[^\p{Cc}]+$/u.exec(name) ?? [];
  if (namespace === undefined) throw refused('EINVAL', 'an attribute has a name such as user.project', path, name);
  if (namespace !== 'user' && namespace !== 'trusted') {
    throw refused('ENOTSUP', 'attributes are in the namespaces user and trusted', path, name);
  }
  if (namespace === 'trusted' && !isSuperuser) {
    throw refusal('EPERM', "permission denied, trusted attributes are the superuser's", path, `name=${name} user=${user}`);
  }
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    throw refused('EINVAL', `a name of an attribute has up to ${NAME_BYTES_MAX} bytes`, path, name);
  }
}

/** @returns whether access to the attribute goes by the inode's permissions, rather than being the superuser's. */
export function isUserXattr(name: string): boolean {
  return name.startsWith(USER_NAMESPACE);
}

/** @returns the attributes that the caller may see. */
export function visibleXattrs(xattrs: Xattrs, { isSuperuser }: Identity): Xattrs {
  return isSuperuser ? xattrs : xattrs.filter(({ name }) => isUserXattr(name));
}

/** @param xattr its name checked. @throws EEXIST, ENODATA: not what `mode` asks for. @throws E2BIG: past a limit. */
export function withXattr(xattrs: Xattrs, xattr: Xattr, mode: XattrMode, path: string): Xattrs {
  const { name, value } = xattr;
  const others = xattrs.filter((each) => each.name !== name);
  const isThere = others.length < xattrs.length;
  if (isThere && mode === 'create') throw refused('EEXIST', 'the attribute exists', path, name);
  if (!isThere && mode === 'replace') throw refused('ENODATA', 'the attribute does not exist', path, name);
  if (bytesOf(xattr) > XATTR_BYTES_MAX) {
    throw refused('E2BIG', `an attribute has up to ${XATTR_BYTES_MAX} bytes with its name`, path, name);
  }
  if (others.length >= XATTRS_MAX) throw refused('E2BIG', `an inode has up to ${XATTRS_MAX} attributes`, path, name);
  const total = others.reduce((sum, each) => sum + bytesOf(each), bytesOf(xattr));
  if (total > TOTAL_BYTES_MAX) {
    throw refused('E2BIG', `the attributes of an inode have up to ${TOTAL_BYTES_MAX} bytes together`, path, name);
  }
  return [...others, { name, value }].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

/** @throws ENODATA. */
export function withoutXattr(xattrs: Xattrs, name: string, path: string): Xattrs {
  const others = xattrs.filter((each) => each.name !== name);
  if (others.length === xattrs.length) throw refused('ENODATA', 'the attribute does not exist', path, name);
  return others;
}

const bytesOf = ({ name, value }: Xattr): number => Buffer.byteLength(name) + value.length;
const refused = (errno: Errno, why: string, path: string, name: string) => refusal(errno, why, path, `name=${JSON.stringify(name)}`);
