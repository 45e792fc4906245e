/** What a web port answers to requests that are broken, ambiguous or meant to mislead, as they stand on the wire; none is a defect of the master. */
import { describe, expect, test } from 'vitest';
import { ask, type WebMaster, WebMasters } from './web-masters.js';
import { exchange, Wire, type WireAnswer } from './wire.js';

const soon = { timeout: 8_000, interval: 2 };
const FILE = '/api/v1/files/x';
const HDFS = '/webhdfs/v1/x';
const HOST = 'Host: h\r\n';

const get = (target: string, headers = HOST) => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const sent = (method: string, target: string, body = '', type = 'application/json') =>
  `${method} ${target} HTTP/1.1\r\n${HOST}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const post = (body: string) => sent('POST', `${FILE}?user.name=o`, body);

async function leader(): Promise<WebMaster> {
  const one = await new WebMasters().start('a');
  await expect.poll(async () => (await ask(one.web, '/health/leader')).status, soon).toBe(200);
  expect((await ask(one.web, `${FILE}?directory=true&user.name=o`, { method: 'PUT' })).status).toBe(201);
  return one;
}

/** Nothing of the program's insides: no stack, no path of its files, no class of its errors. */
function expectNoLeak({ body, headers }: WireAnswer): void {
  const told = body + [...headers].join();
  for (const inside of ['node_modules', 'node:', '.js:', '.ts:', 'at async', 'FST_', process.cwd(), 'TypeError', 'fastify'])
    expect(told).not.toContain(inside);
}

/** Asks each on a connection of its own. */
async function expectStatus(
  web: WebMaster['web'],
  cases: Readonly<Record<string, readonly [text: string, status: number]>>,
): Promise<void> {
  const told: Record<string, number> = {};
  for (const [name, [text]] of Object.entries(cases)) {
    const answer = await exchange(web, text);
    expectNoLeak(answer);
    if (answer.body !== '' && text.startsWith('GET')) JSON.parse(answer.body);
    told[name] = answer.status;
  }
  expect(told).toEqual(Object.fromEntries(Object.entries(cases).map(([name, [, status]]) => [name, status])));
}

describe('one request', () => {
  test("bodies: what is not the JSON that is described is the client's mistake", async () => {
    const { web } = await leader();
    await expectStatus(web, {
      cut: [post('{'), 400],
      empty: [post(''), 400],
      null: [post('null'), 400],
      array: [post('[]'), 400],
      'another type': [post('{"to":{}}'), 400],
      'a prototype': [post('{"__proto__":{"x":1},"to":"/y"}'), 400],
      'a constructor': [post('{"constructor":{"prototype":{}},"to":"/y"}'), 400],
      'more than is described': [post('{"to":"/y","x":1}'), 400],
      'deep, cut': [post('['.repeat(500_000)), 400],
      deep: [post(`${'['.repeat(400_000)}${']'.repeat(400_000)}`), 400],
      'deep within': [post(`{"to":${'{"to":'.repeat(100_000)}1${'}'.repeat(100_001)}`), 400],
      'no UTF-8': [post('{"to":"/\xff\xfe"}'), 400],
      'half a character': [post('{"to":"/\\ud800"}'), 400],
      'a NUL': [post('{"to":"/a\\u0000b"}'), 400],
      'a text': [sent('POST', FILE, '{"to":"/y"}', 'text/plain'), 400],
      'no type': [sent('POST', FILE, '{}', ';;;'), 415],
      'bytes where none are taken': [sent('PUT', FILE, '{', 'application/octet-stream'), 415],
      'a level that is none': [sent('PUT', '/api/v1/log/level', '{"level":"x"}'), 400],
    });
    expect((await ask(web, FILE)).status).toBe(200);
  });

  test('targets: badly escaped, climbing, empty and overlong ones name nothing', async () => {
    const { web } = await leader();
    await expectStatus(web, {
      'no digits': [get('/api/v1/files/%zz'), 400],
      'cut escape': [get('/api/v1/files/%4'), 400],
      'half a character': [get('/api/v1/files/%c3'), 400],
      overlong: [get('/api/v1/files/%c0%ae%c0%ae/etc'), 400],
      'escape in a query': [get(`${FILE}?user.name=%zz`), 400],
      'bytes in a query': [get(`${FILE}?user.name=%ff`), 400],
      'WebHDFS: path': [get('/webhdfs/v1/%zz?op=GETFILESTATUS'), 400],
      'WebHDFS: query': [get(`${HDFS}?op=%zz`), 400],
      dots: [get('/api/v1/files/../../etc/passwd'), 400],
      'escaped dots': [get('/api/v1/files/%2e%2e/%2E%2e/etc/passwd'), 400],
      'escaped slashes': [get('/api/v1/files/..%2f..%2Fetc'), 400],
      'empty names': [get('/api/v1/files//x'), 400],
      NUL: [get('/api/v1/files/%00'), 400],
      'dots before the route': [get('/health/../api/v1/files/x'), 404],
      'empty names before': [get('//api/v1/files/x'), 404],
      'escaped twice': [get('/api/v1/files/%252e%252e'), 404],
      backslashes: [get('/api/v1/files/..\\..\\etc'), 404],
      'WebHDFS: dots': [get('/webhdfs/v1/../../etc/passwd?op=OPEN'), 400],
      'WebHDFS: escaped dots': [get('/webhdfs/v1/%2e%2e/x?op=GETFILESTATUS'), 400],
      'WebHDFS: NUL': [get('/webhdfs/v1/%00?op=GETFILESTATUS'), 400],
      'WebHDFS: long': [get(`/webhdfs/v1/${'a'.repeat(30_000)}?op=GETFILESTATUS`), 403],
      long: [get(`/api/v1/files/${'a'.repeat(30_000)}`), 400],
      'a line break': [get('/api/v1/files/a%0d%0aX:%20y'), 404],
    });
  });

  test('parameters: thousands cost nothing, and of contradicting ones none is guessed', async () => {
    const { web } = await leader();
    const many = Array.from({ length: 5_000 }, (_, at) => `${at}=`).join('&');
    await expectStatus(web, {
      many: [get(`${FILE}?${many}`), 200],
      'WebHDFS: many': [get(`${HDFS}?op=GETFILESTATUS&${many}`), 200],
      'two lists': [get(`${FILE}?list=true&list=false`), 400],
      'two users': [get(`${FILE}?user.name=a&user.name=b`), 400],
      'two kinds of stale': [get(`${FILE}?stale=true&stale=false`), 400],
      'of an object': [get(`${FILE}?__proto__=x&constructor=y&hasOwnProperty=z`), 200],
      'below its range': [get(`${FILE}?list=true&limit=0`), 400],
      'beyond its range': [get(`${FILE}?list=true&limit=1e99`), 400],
      'no number': [get(`${FILE}?limit=abc`), 400],
      'not exact': [sent('PUT', `${FILE}?length=9007199254740993`), 400],
      'no mode': [sent('PUT', `${FILE}?mode=99999`), 400],
    });
  });

  test('methods, versions and hosts: nobody is misled, and what is unknown is refused', async () => {
    const { web } = await leader();
    const line = (text: string, headers = HOST) => `${text}\r\n${headers}\r\n`;
    await expectStatus(web, {
      TRACE: [line('TRACE / HTTP/1.1', `${HOST}Cookie: secret\r\n`), 404],
      'TRACE of WebHDFS': [line(`TRACE ${HDFS} HTTP/1.1`), 404],
      'of WebDAV': [line('PROPFIND / HTTP/1.1'), 404],
      'of nobody': [line('BREW / HTTP/1.1'), 400],
      'OPTIONS of all': [line('OPTIONS * HTTP/1.1'), 404],
      'no host': [line('GET /health/live HTTP/1.1', ''), 400],
      'two hosts': [line('GET /health/live HTTP/1.1', 'Host: a\r\nHOST: b\r\n'), 400],
      'HTTP/1.0': [line('GET /health/live HTTP/1.0', ''), 200],
      'HTTP/1.2': [line('GET /health/live HTTP/1.2'), 400],
      'HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
      TLS: ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
      'an address of another': [line('GET http://evil.example/health/live HTTP/1.1'), 200],
      'a WebSocket': [line('GET /health/live HTTP/1.1', `${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n`), 200],
      'HTTP/2, asked for': [line('GET /health/live HTTP/1.1', `${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n`), 200],
      'an expectation': [line(`PUT ${FILE} HTTP/1.1`, `${HOST}Expect: 100-continue\r\nContent-Length: 0\r\n`), 100],
      'a strange expectation': [line(`PUT ${FILE} HTTP/1.1`, `${HOST}Expect: gifts\r\nContent-Length: 0\r\n`), 417],
      'a header without a name': [get('/health/live', `${HOST}: x\r\n`), 400],
      'a NUL in a header': [get('/health/live', `${HOST}X: a\0b\r\n`), 400],
    });
    expect((await exchange(web, line('TRACE / HTTP/1.1', `${HOST}Cookie: secret\r\n`))).body).not.toContain('secret');
    const tunnel = (await Wire.open(web)).send('CONNECT evil.example:1 HTTP/1.1\r\nHost: evil.example:1\r\n\r\n');
    expect(await tunnel.end()).not.toContain(' 200 ');
  });

  test('refusals of the parser: told as all refusals are, and the connection is closed', async () => {
    const { web } = await leader();
    for (const [text, status] of [
      ['no HTTP\r\n\r\n', 400],
      [get('/health/live', `${HOST}X: ${'x'.repeat(40_000)}\r\n`), 431],
      [get(`/${'a'.repeat(40_000)}`), 431],
      [
        `POST ${FILE} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n1;${'x'.repeat(40_000)}\r\n`,
        413,
      ],
      [`POST ${FILE} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nFFFFFFFFFFFFFFFFF\r\n`, 400],
    ] as const) {
      const wire = (await Wire.open(web)).send(text);
      const { status: told, headers, body } = await wire.answer();
      expect([told, headers.get('connection')]).toEqual([status, 'close']);
      expect(JSON.parse(body)).toEqual({ error: { code: 'invalid_argument', message: expect.any(String) } });
      expect(await wire.end()).toBe('');
    }
  });

  test('a defect: its insides are logged, and not told', async () => {
    const one = await leader();
    const inside = new Error(`no such key in ${process.cwd()}/secret`);
    Object.defineProperty(one.master, 'calls', {
      get: () => ({
        call: () => Promise.reject(inside),
        stream: () => {
          throw inside;
        },
      }),
    });
    for (const target of [FILE, `${HDFS}?op=GETFILESTATUS`]) {
      const answer = await exchange(one.web, get(target));
      expect(answer.status).toBe(500);
      expectNoLeak(answer);
      expect(answer.body).not.toContain('secret');
    }
  });
});

describe('one connection', () => {
  const SECOND = 'PUT /api/v1/files/hidden?user.name=o HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n';

  test('a request that is hidden in another one is never carried out', async () => {
    const { web } = await leader();
    const head = `POST ${FILE} HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`;
    const withChunks = `0\r\n\r\n${SECOND}`;
    for (const hiding of [
      `${head}Content-Length: ${withChunks.length}\r\nTransfer-Encoding: chunked\r\n\r\n${withChunks}`,
      `${head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${withChunks}`,
      `${head}Transfer-Encoding: xchunked\r\n\r\n${withChunks}`,
      `${head}Transfer-Encoding: chunked, identity\r\n\r\n${withChunks}`,
      `${head}Transfer-Encoding : chunked\r\n\r\n${withChunks}`,
      `${head}Content-Length: 0\r\nContent-Length: ${SECOND.length}\r\n\r\n${SECOND}`,
      `${head}Content-Length: +0\r\n\r\n${SECOND}`,
      `${head}Content-Length: 0\r\n\tx: y\r\n Content-Length: 5\r\nContent-Length: 5\r\n\r\n${SECOND}`,
      `${head}X: y\rContent-Length: 0\r\n\r\n${SECOND}`,
      `${head}Content-Length: ${SECOND.length}\r\n\r\n${SECOND}`,
      // Raw bytes, which are escaped on their way to the parser, in what is no request line to the parser.
      `${head}Transfer-Encoding:\r\n chunked\r\n\r\n2;\r\nGET /\xc3\xa9 HTTP/1.1\r\n0\r\n\r\n`,
      `${head}Content-Length: 9\r\n\r\nGET /\xc3\xa9 H${get('/health/live')}`,
    ]) {
      const wire = (await Wire.open(web)).send(hiding);
      const { status } = await wire.answer();
      expect([400, 415], hiding).toContain(status);
      wire.socket.end();
      await wire.end();
      expect((await ask(web, '/api/v1/files/hidden')).status, hiding).toBe(404);
    }
  });

  test('requests in a row, unasked: answered each, in their order, by whatever version', async () => {
    const { web } = await leader();
    const wire = await Wire.open(web);
    wire.send([get('/health/live'), get('/no/such'), SECOND, get('/api/v1/files/hidden'), 'GET /health/ready HTTP/1.0\r\n\r\n'].join(''));
    const codes: number[] = [];
    for (let at = 0; at < 5; at++) codes.push((await wire.answer()).status);
    expect(codes).toEqual([200, 404, 201, 200, 200]);
    expect(await wire.end()).toBe('');
  });

  test('names with line breaks add no header anywhere', async () => {
    const { web } = await leader();
    const name = 'a%0d%0aSet-Cookie:%20x%0d%0a%0d%0ab';
    for (const text of [
      get(`/api/v1/files/${name}`),
      sent('PUT', `/api/v1/files/${name}?directory=true&user.name=o`),
      get(`/api/v1/files/${name}`),
      get(`/webhdfs/v1/${name}?op=GETFILESTATUS`),
      get(`/webhdfs/v1/${name}/none?op=GETFILESTATUS&user.name=o`),
      sent('PUT', `${FILE}?user.name=${name}`),
      sent('PUT', `${HDFS}?op=MKDIRS&user.name=${name}`),
      get(`/${name}`),
    ]) {
      const wire = (await Wire.open(web)).send(text);
      const { headers } = await wire.answer();
      expect(headers.has('set-cookie')).toBe(false);
      wire.socket.end();
      expect(await wire.end()).toBe('');
    }
  });
});
