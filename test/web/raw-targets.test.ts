/**
 * Raw bytes in a request line, and how they are attacked: whatever comes on a connection and however it is cut, the parser is given what the
 * client has sent but for bytes of request targets, by the parser's own word on where those stand.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { takeRawTargets } from '../../src/web/raw-targets.js';

interface Parsed {
  readonly requests: readonly string[];
  /** Empty: none. */
  readonly error: string;
  /** Of what was sent, where `error` was seen. */
  readonly at: number;
}

/** What Node makes of a connection. */
class Parser {
  readonly #server: Server;
  #requests: string[] = [];
  #error: NodeJS.ErrnoException & { bytesParsed?: number } = new Error('');

  constructor(takesRawTargets: boolean) {
    this.#server = createServer((request, response) => {
      const at = this.#requests.push('') - 1;
      const into = this.#requests;
      const chunks: string[] = [];
      const told = () => {
        into[at] = JSON.stringify([request.method, request.url, request.rawHeaders, chunks.join(''), request.complete]);
      };
      told();
      request.setEncoding('latin1').on('data', (chunk) => {
        chunks.push(chunk);
        told();
      });
      request.on('end', told);
      response.end();
    });
    this.#server.on('clientError', (error) => {
      this.#error = error;
    });
    if (takesRawTargets) takeRawTargets(this.#server);
  }

  async parse(chunks: readonly Buffer[]): Promise<Parsed> {
    this.#requests = [];
    this.#error = new Error('');
    const connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    this.#server.emit('connection', connection);
    let sent = 0;
    for (const chunk of chunks) {
      connection.push(chunk);
      await setImmediate();
      if (this.#error.message !== '') break;
      sent += chunk.length;
    }
    await setImmediate();
    connection.destroy();
    return { requests: this.#requests, error: this.#error.code ?? this.#error.message, at: sent + (this.#error.bytesParsed ?? 0) };
  }
}

const raw = new Parser(false);
const taking = new Parser(true);
const latin1 = (...pieces: readonly string[]) => Buffer.from(pieces.join(''), 'latin1');
const escaped = (byte: number) => `%${byte.toString(16).toUpperCase()}`;

/** What Node's parser makes of `sent` if each byte that it refuses in a target comes escaped. */
async function ideal(sent: Buffer): Promise<Parsed> {
  for (let now = sent; ; ) {
    const parsed = await raw.parse([now]);
    const byte = now[parsed.at] ?? 0;
    if (parsed.error !== 'HPE_INVALID_URL' || byte < 0x80) return parsed;
    now = Buffer.concat([now.subarray(0, parsed.at), latin1(escaped(byte)), now.subarray(parsed.at + 1)]);
  }
}

const line = fc.constantFrom(
  'GET /é?x=é HTTP/1.1\r\n',
  'PUT /webhdfs/v1/\xc3\xa9 HTTP/1.1\r\n',
  'POST /a HTTP/1.1\r\n',
  'DELETE /\xff HTTP/1.0\r\n',
  'PUT /a HTTP/1.1\n',
  'GET /\xc3\xa9\r\n',
  'CONNECT a:1 HTTP/1.1\r\n',
  'GET http://h/\xe9 HTTP/1.1\r\n',
  '\r\nGET /\xe9 HTTP/1.1\r\n',
);
const header = fc.constantFrom(
  'Host: h\r\n',
  'X: \xc3\xa9\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 9\r\n',
  'content-length:9\r\n',
  'Content-Length: 9 \r\n',
  'Content-Length:\t9\r\n',
  'Content-Length: 9\n',
  'Content-Length: 9\r\n Content-Length: 3\r\n',
  'Content-Length : 9\r\n',
  'Content-Length: +9\r\n',
  'Content-Length: 0009\r\n',
  'X: a\r\n folded: b\r\n',
  'X: a\rContent-Length: 9\r\n',
  'X: a\nContent-Length: 9\r\n',
  'Transfer-Encoding: chunked\r\n',
  'transfer-encoding:\tchunked\r\n',
  'Transfer-Encoding: chunked, identity\r\n',
  'Transfer-Encoding:\r\n chunked\r\n',
  'Connection: keep-alive\r\n',
  'Connection: close\r\n',
  'Connection: Upgrade\r\nUpgrade: h2c\r\n',
  'Expect: 100-continue\r\n',
  `X${'y'.repeat(70)}: z\r\n`,
);
const body = fc.constantFrom(
  '',
  '',
  '123456789',
  'GET /\xe9 HT',
  '1;\xe9=\xe9\r\na\r\n0\r\n\r\n',
  '9\r\n\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\r\n0\r\n\r\n',
  '\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9\xe9',
);
const request = fc.tuple(line, fc.array(header, { maxLength: 3 }), fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', ''), body);
const stream = fc.array(request, { minLength: 1, maxLength: 4 }).map((requests) => latin1(...requests.flat(2)));

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set([0, ...places.map((place) => place % bytes.length), bytes.length])].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

test('any connection: nothing but targets is changed, or the parser refuses as it always did', async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(stream, fc.array(fc.nat(), { maxLength: 6 }), async (sent, places) => {
      const [is, was, best] = [await taking.parse(cut(sent, places)), await raw.parse([sent]), await ideal(sent)];
      const { requests, error } = is;
      if (error === best.error) expect(requests).toEqual(best.requests);
      else {
        expect(error).toBe('HPE_INVALID_URL');
        expect(best.requests.slice(0, requests.length)).toEqual(requests);
      }
      if (was.error !== 'HPE_INVALID_URL') expect([requests, error]).toEqual([was.requests, was.error]);
      if (requests.length > was.requests.length) taken++;
    }),
    { numRuns: 400 },
  );
  expect(taken).toBeGreaterThan(4);
});

test('request lines: raw bytes come escaped, of each request of a connection and wherever it is cut', async () => {
  const put = (target: string, headers: string, of: string) => `PUT ${target} HTTP/1.1\r\nHost: h\r\n${headers}\r\n${of}`;
  const sent = latin1(
    put('/\xc3\xa9?x=\xff', 'X-Name: \xc3\xa9\r\n', ''),
    put('/b', 'content-length: 4\r\n', '\xc3\xa9\r\n'),
    put('/\xf0\x9f\x98\x80', 'Content-Length: 0\r\n', ''),
    'get /status HTTP/1.1\r\nHost: h\r\n\r\n',
  );
  const seen = ({ requests }: Parsed) => requests.map((one) => JSON.parse(one)).map(([method, url, , got]) => [method, url, got]);
  const expected = [
    ['PUT', '/%C3%A9?x=%FF', ''],
    ['PUT', '/b', '\xc3\xa9\r\n'],
    ['PUT', '/%F0%9F%98%80', ''],
    ['GET', '/status', ''],
  ];
  const beforeGet = sent.indexOf('get ');
  for (let at = 1; at < sent.length; at++) {
    if (at > beforeGet && at < beforeGet + 4) continue;
    expect(seen(await taking.parse(cut(sent, [at])))).toEqual(expected);
  }
  const bytes = cut(sent.subarray(0, beforeGet), [...sent.keys()]);
  expect(seen(await taking.parse(bytes))).toEqual(expected.slice(0, 3));
});

test('after a body of chunks: the rest of the connection passes as it came', async () => {
  const chunked = 'PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\xc3\xa9\r\n0\r\n\r\n';
  const next = 'GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n';
  const { requests, error } = await taking.parse([latin1(chunked), latin1(next)]);
  expect([requests.length, error]).toEqual([1, 'HPE_INVALID_URL']);
  expect(JSON.parse(requests[0] ?? '')[3]).toBe('\xc3\xa9');
  expect((await taking.parse([latin1(next)])).error).toBe('');
});

test('a real socket: as a client of Hadoop and a check of Atlas send them', async () => {
  const server = createServer((request, response) => response.end(`${request.method} ${request.url}`));
  takeRawTargets(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const answer = async (sent: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.end(sent);
    return (await text(socket)).replace(/^.*\r\n\r\n/s, '');
  };
  expect(await answer('PUT /webhdfs/v1/日本 x HTTP/1.1\r\n\r\n')).toBe('');
  expect(await answer('PUT /webhdfs/v1/日本?op=MKDIRS HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')).toBe(
    'PUT /webhdfs/v1/%E6%97%A5%E6%9C%AC?op=MKDIRS',
  );
  expect(await answer('get /api/atlas/admin/status HTTP/1.0\r\n\r\n')).toBe('GET /api/atlas/admin/status');
});
