/**
 * Where mounted storage is, as people write it: `/folder` or `file:///folder`, and `s3://bucket/prefix` (`s3a://` and `s3n://` are the same).
 * One place has one canonical text, so that texts can be compared: which contains which is decided by them alone.
 */
import { UnderstudyError } from '../base/errors.js';
import { checkUnderPath } from './under-path.js';

export type UnderUri =
  | { readonly scheme: 'file'; readonly folder: string }
  | { readonly scheme: 's3'; readonly bucket: string; readonly prefix: string };

const BUCKET = /^[a-z0-9][a-z0-9._-]{1,62}$/i;

/** @throws `invalid_argument`. */
export function parseUnderUri(text: string): UnderUri {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [undefined, 'file', text];
  const name = scheme?.toLowerCase();
  if (name === 'file' && rest.startsWith('/')) return { scheme: 'file', folder: `/${pathOf(rest, text)}` };
  if (name === 's3' || name === 's3a' || name === 's3n') {
    const [bucket = ''] = rest.split('/', 1);
    if (BUCKET.test(bucket)) return { scheme: 's3', bucket, prefix: pathOf(rest.slice(bucket.length), text) };
  }
  const message = 'storage to mount is named /folder, file:///folder or s3://bucket/prefix';
  throw new UnderstudyError('invalid_argument', `${message}: uri=${JSON.stringify(text)}`);
}

/** @returns the one text of this place: `/folder`, `s3://bucket/prefix`. */
export function canonicalUri(uri: UnderUri): string {
  if (uri.scheme === 'file') return uri.folder;
  return `s3://${uri.bucket}${uri.prefix === '' ? '' : `/${uri.prefix}`}`;
}

/** @param outer canonical, as `inner`. @returns whether `inner` is the same place or lies in it. */
export function containsUri(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}

/** Slashes that say nothing are dropped; `..` could lead anywhere. */
function pathOf(rest: string, text: string): string {
  const path = rest.split('/').filter((part) => part !== '' && part !== '.');
  try {
    checkUnderPath(path.join('/'));
  } catch (cause) {
    throw new UnderstudyError('invalid_argument', `storage to mount has no plain path: uri=${JSON.stringify(text)}`, { cause });
  }
  return path.join('/');
}
