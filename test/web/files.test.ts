/** The namespace over HTTP, as curl sees it: what each method does, names of every kind, and what is wrong with a request. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ask, askJson, type WebMaster, WebMasters } from './web-masters.js';

const soon = { timeout: 8_000, interval: 2 };

async function leader(): Promise<WebMaster> {
  const master = await new WebMasters().start('a');
  await expect.poll(async () => (await ask(master.web, '/health/leader')).status, soon).toBe(200);
  return master;
}

const FILES = '/api/v1/files';
const ME = 'user.name=o';

test('files: made, shown, listed in pages, moved, changed, removed', async () => {
  const { web } = await leader();
  const put = (path: string, query: string) => ask(web, `${FILES}${path}?${ME}&${query}`, { method: 'PUT' });
  const made = await put('/d', 'directory=true&mode=750');
  expect({ status: made.status, body: JSON.parse(made.body) }).toMatchObject({
    status: 201,
    body: { path: '/d', type: 'directory', mode: '0750', owner: 'o' },
  });
  expect((await put('/d', 'directory=true')).status).toBe(409);
  expect((await put('/d', 'directory=true&allowExists=true')).status).toBe(201);
  for (const name of ['one', 'three', 'two']) expect((await put(`/d/${name}`, 'length=5')).status).toBe(201);

  const names = async (query: string) => {
    const { body } = await askJson(web, `${FILES}/d?${ME}&list=true&${query}`);
    return { names: (body.entries as { name: string }[]).map(({ name }) => name), next: body.next };
  };
  expect(await names('')).toEqual({ names: ['one', 'three', 'two'], next: null });
  expect(await names('limit=2')).toEqual({ names: ['one', 'three'], next: 'three' });
  expect(await names('limit=2&startAfter=three')).toEqual({ names: ['two'], next: null });
  expect(await names('limit=3')).toEqual({ names: ['one', 'three', 'two'], next: null });

  const json = { 'content-type': 'application/json' };
  const moved = await ask(web, `${FILES}/d/two?${ME}`, { method: 'POST', headers: json, body: '{"to":"/d/zwei"}' });
  expect([moved.status, moved.body]).toEqual([200, '{"to":"/d/zwei"}']);
  const changed = await ask(web, `${FILES}/d/zwei?${ME}`, {
    method: 'PATCH',
    headers: json,
    body: '{"mode":"600","pinned":true,"ttlMs":60000}',
  });
  expect(JSON.parse(changed.body)).toMatchObject({ mode: '0600', pinned: true, length: 5, complete: true, ttl: { ttlMs: 60_000 } });
  expect((await askJson(web, `${FILES}/d/zwei?${ME}`)).body).toMatchObject({ path: '/d/zwei', name: 'zwei', mode: '0600' });

  expect((await ask(web, `${FILES}/d?${ME}`, { method: 'DELETE' })).status).toBe(409);
  const removed = await ask(web, `${FILES}/d?${ME}&recursive=true`, { method: 'DELETE' });
  expect([removed.status, removed.body]).toEqual([204, '']);
  expect(await askJson(web, `${FILES}/d?${ME}`)).toMatchObject({ status: 404, body: { error: { code: 'not_found', errno: 'ENOENT' } } });
});

test('files: names of every kind come back as they were', async () => {
  const { web } = await leader();
  const url = (name: string) => `${FILES}/${encodeURIComponent(name)}?${ME}`;
  const comesBack = async (name: string) => {
    expect((await ask(web, `${url(name)}&overwrite=true`, { method: 'PUT' })).status).toBe(201);
    expect((await askJson(web, url(name))).body.name).toBe(name);
  };
  const strange = [
    '%',
    '%2F',
    '%252f',
    '%00',
    'a?b',
    'a#b',
    'a;b=c',
    'a+b c',
    '...',
    '.x',
    '\\',
    '"',
    "'",
    '<&>',
    '*',
    ':',
    'a@b',
    '~',
    '\n',
    '\u0001',
    '\u007f',
  ];
  for (const name of [...strange, 'é', 'e\u0301', '\u202e', '𝄞', '\ufeffbom', 'ÿ'.repeat(127)]) await comesBack(name);
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
  const isName = (text: string) => !/[/\0]/.test(text) && !['.', '..'].includes(text) && Buffer.byteLength(text) <= 255;
  await fc.assert(fc.asyncProperty(name.filter(isName), comesBack), { numRuns: 100 });
  // Bytes that are no characters of a target are to be encoded.
  expect((await ask(web, `${FILES}/\u00e9`)).status).toBe(400);
});

test('files: what cannot be a path or a request is refused as such', async () => {
  const { web } = await leader();
  const codeOf = async (target: string, method = 'GET', body?: string) => {
    const answer = await ask(web, target, { method, ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }) });
    expect({ target, type: answer.headers['content-type'] }).toEqual({ target, type: 'application/json; charset=utf-8' });
    return answer.status;
  };
  for (const path of ['/a%2fb', '/%00', '/%ff', '/%c3', '/%zz', '/%', '/a//b', '/../x', '/%2e%2e/x', '/./x', `/${'x'.repeat(256)}`])
    expect({ path, code: await codeOf(`${FILES}${path}?${ME}`, 'PUT') }).toEqual({ path, code: 400 });
  for (const query of ['list=maybe', 'limit=0', 'limit=1001', 'limit=x', 'stale=1&stale=0'])
    expect({ query, code: await codeOf(`${FILES}/?${query}`) }).toEqual({ query, code: 400 });
  for (const query of ['mode=9', 'mode=77777', 'length=-1', 'length=1e99', 'directory=2'])
    expect({ query, code: await codeOf(`${FILES}/x?${query}`, 'PUT') }).toEqual({ query, code: 400 });
  for (const body of ['', '{', '[]', '{}', '{"to":1}', '{"to":"/y","x":1}', '{"to":"y"}'])
    expect({ body, code: await codeOf(`${FILES}/x?${ME}`, 'POST', body) }).toEqual({ body, code: 400 });
  for (const body of ['{}', '{"mode":9}', '{"x":1}'])
    expect({ body, code: await codeOf(`${FILES}/x`, 'PATCH', body) }).toEqual({ body, code: 400 });
  expect(await codeOf(`${FILES}/x?directory=true`, 'PUT')).toBe(403);
});
