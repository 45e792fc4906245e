/**
 * The path of the namespace that a request's target ends with: each component percent-encoded UTF-8.
 *
 * Made of the target as it came, not of what a router made of it: a router decodes some characters and leaves others, and what it takes for a
 * slash may be part of a name, which no name has.
 */
import type { FastifyRequest } from 'fastify';
import { UnderstudyError } from '../base/errors.js';
import { originForm } from './request-target.js';

/** @param route that matched, which ends with `/*`. @throws `invalid_argument`: it is not encoded as it should be. */
export function namespacePath(route: string, { raw }: FastifyRequest): string {
  const [path = ''] = originForm(raw.url ?? '').split(/[?#]/, 1);
  const depth = route.split('/').length - 1;
  return `/${path.split('/').slice(depth).map(component).join('/')}`;
}

/** @returns `path`, of a body. @throws `invalid_argument`: half a character is in it, of which UTF-8 would make another one. */
export function pathOfBody(path: string): string {
  if (/\p{Surrogate}/u.test(path)) throw malformed('it is no Unicode');
  return path;
}

function component(encoded: string): string {
  const name = decoded(encoded);
  if (name.includes('/')) throw malformed('no name has a slash in it');
  return name;
}

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw malformed('it is not percent-encoded UTF-8', cause);
  }
}

function malformed(why: string, cause?: unknown): UnderstudyError {
  return new UnderstudyError('invalid_argument', `the path cannot be read: ${why}`, { cause, errno: 'EINVAL' });
}
