/** Paths in mounted storage: relative to its root, plain components with one slash between them. */
import { UnderstudyError } from '../base/errors.js';

/** @returns whether it has no empty, `.` or `..` component and no NUL; the empty path, the root, is one. */
export function isUnderPath(path: string): boolean {
  return path === '' || (!path.includes('\0') && !/(?:^|\/)\.{0,2}(?:\/|$)/.test(path));
}

/** @throws `invalid_argument` unless `isUnderPath`. */
export function checkUnderPath(path: string): void {
  if (!isUnderPath(path)) throw new UnderstudyError('invalid_argument', `not a path below a mount: path=${JSON.stringify(path)}`);
}

/** @throws `invalid_argument` for the root too, which is not for callers to remove, move or replace. */
export function checkBelowRoot(path: string): void {
  checkUnderPath(path);
  if (path === '') throw new UnderstudyError('invalid_argument', 'the root of mounted storage cannot be changed');
}

/** @throws `invalid_argument` for a move that cannot be. */
export function checkMove(from: string, to: string): void {
  checkBelowRoot(from);
  checkBelowRoot(to);
  if (to.startsWith(`${from}/`)) throw new UnderstudyError('invalid_argument', `a folder cannot move below itself: from=${from} to=${to}`);
}

/** @returns `name` in `folder`. */
export function joinUnder(folder: string, name: string): string {
  if (folder === '') return name;
  return name === '' ? folder : `${folder}/${name}`;
}

/** @returns the folder that names it; the root's is the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Folder of files that are being written, to be renamed into place: at the root of each store. Listings leave out folders of this name. */
export const PARTS_FOLDER = '.understudy-parts';

/** @returns whether a listing leaves out this path, told from the listed folder. */
export function isHiddenPath(path: string): boolean {
  return path.includes(PARTS_FOLDER) && path.split('/').includes(PARTS_FOLDER);
}

/** By bytes of UTF-8, as object stores order keys; differs from the order of strings where these have surrogates. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left === right) continue;
    return isSurrogate(left) === isSurrogate(right) ? left - right : isSurrogate(left) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
