/**
 * Paths of the namespace: absolute, `/`-separated, UTF-8, without `.` and `..`.
 *
 * Limits: a component has 1 to 255 bytes, a path up to 4096 bytes and 512 components. Characters are compared as they are; a NUL is
 * refused. One slash at the end is tolerated, two in a row are not.
 */
import type { UnderstudyError } from '../base/errors.js';
import { type Errno, refusal } from './refusals.js';

const COMPONENT_BYTES_MAX = 255;
const PATH_BYTES_MAX = 4096;
const PATH_DEPTH_MAX = 512;

/** @returns the components of `path`, none for the root. @throws `invalid_argument` saying which rule it breaks. */
export function parsePath(path: string): string[] {
  if (path.charCodeAt(0) !== SLASH) throw refused(path, path === '' ? 'a path may not be empty' : 'a path has to begin with /');
  if (path.length * 3 > PATH_BYTES_MAX && Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw refused(path, `a path may have up to ${PATH_BYTES_MAX} bytes`, 'ENAMETOOLONG');
  if (path.length === 1) return [];
  const names = path.slice(1, path.charCodeAt(path.length - 1) === SLASH ? -1 : undefined).split('/');
  if (names.length > PATH_DEPTH_MAX) throw refused(path, `a path may have up to ${PATH_DEPTH_MAX} components`, 'ENAMETOOLONG');
  for (const name of names) checkName(name, path);
  return names;
}

/** Components of all paths of a request together: each costs a look, and nobody else is served meanwhile. */
export const COMPONENTS_MAX = 32_768;

/** @returns whether the paths have more than `COMPONENTS_MAX` together. */
export function nameTooMuch(paths: readonly string[]): boolean {
  let slashes = 0;
  for (const path of paths) for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) slashes += 1;
  return slashes > COMPONENTS_MAX;
}

/** @returns what tells whether a name can stand in the directory with these components: longer paths are nobody's to ask for. */
export function nameCheck(above: readonly string[]): (name: string) => boolean {
  if (above.length >= PATH_DEPTH_MAX) return () => false;
  const room = PATH_BYTES_MAX - above.reduce((sum, name) => sum + 1 + Buffer.byteLength(name), 1);
  return (name) => !name.includes('/') && Buffer.byteLength(name) <= room && isPath([name]);
}

/** @returns whether these components make a path. */
export function isPath(names: readonly string[]): boolean {
  try {
    return parsePath(`/${names.join('/')}`).length === names.length;
  } catch {
    return false;
  }
}

const SLASH = 0x2f;

function checkName(name: string, path: string): void {
  if (name === '' || name === '.' || name === '..') throw refused(path, 'a component may not be empty, . or ..');
  if (name.length * 3 > COMPONENT_BYTES_MAX && Buffer.byteLength(name) > COMPONENT_BYTES_MAX) {
    throw refused(path, `a component may have up to ${COMPONENT_BYTES_MAX} bytes`, 'ENAMETOOLONG');
  }
  if (name.includes('\0')) throw refused(path, 'a component may not hold a NUL');
}

function refused(path: string, rule: string, errno: Errno = 'EINVAL'): UnderstudyError {
  return refusal(errno, rule, JSON.stringify(path));
}
