/**
 * Answers what is no request that anybody could answer for: bytes that are no HTTP, headers without end, a request that does not come to its end in
 * time, two hosts, a query that is not percent-encoded UTF-8. Nothing of it is repeated in the answer.
 */
import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { UnderstudyError } from '../base/errors.js';
import type { WebApp } from './web-app.js';

interface Refusal {
  readonly status: string;
  readonly message: string;
}

const BROKEN: Refusal = { status: '400 Bad Request', message: 'this is not a request of HTTP/1.1' };
/** By what Node calls it. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', message: 'path, query and headers are too long' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: '413 Content Too Large', message: 'the extensions of a chunk are too long' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', message: 'the request did not come to its end in time' },
};

/** Of a connection whose next bytes nobody can make sense of: what is answered to earlier requests has been written. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(textOf(REFUSALS[error.code ?? ''] ?? BROKEN));
  socket.destroy(error);
}

function textOf({ status, message }: Refusal): string {
  const body = JSON.stringify({ error: { code: 'invalid_argument', message } });
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** What the parser lets pass, and those of queries and bodies would guess at. */
export function refuseAmbiguous(app: WebApp): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (!isUtf8(body))
      return done(new UnderstudyError('invalid_argument', 'the body cannot be read: it is not UTF-8', { errno: 'EINVAL' }));
    return parse(request, body.toString(), done);
  });
  app.addHook('onRequest', ({ raw: { url = '', rawHeaders } }, _reply, done) => {
    const queryAt = url.indexOf('?');
    if (rawHeaders.filter(isHost).length > 1) done(new UnderstudyError('invalid_argument', 'a request has one Host'));
    else if (queryAt >= 0 && !isEncoded(url.slice(queryAt)))
      done(new UnderstudyError('invalid_argument', 'the query cannot be read: it is not percent-encoded UTF-8'));
    else done();
  });
}

/** @param at in a list of names and values by turns. */
function isHost(text: string, at: number): boolean {
  return at % 2 === 0 && text.length === 4 && text.toLowerCase() === 'host';
}

function isEncoded(text: string): boolean {
  if (!text.includes('%')) return true;
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
