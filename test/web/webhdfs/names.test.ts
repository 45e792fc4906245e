/** Names with every character that a name may have, said in a request target and read back from JSON. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedWebHdfs } from './served-web-hdfs.js';

let hdfs: ServedWebHdfs;
beforeAll(async () => {
  hdfs = await ServedWebHdfs.open();
});
afterAll(() => hdfs[Symbol.asyncDispose]());

const NAMES = [
  'plain',
  'two words',
  'a+b',
  '100%',
  '%41',
  '%2F',
  'a?b=c&d',
  'a#b',
  'a;b=c',
  'a:b',
  'a,b',
  'a=b@c',
  '"quoted" \\and\\ `back`',
  "it's {not} [a] <list>|",
  'grüße',
  '日本語',
  '😀',
  'e\u0301 is no é',
  '\u{10ffff}',
  'line\nbreak\ttab\u0001\u007f',
  ' begins and ends ',
  '...',
  '-rf',
  '~',
  '$HOME',
  '*',
  '\ufeffbom',
  '\u202egnp.exe',
];

async function namesIn(path: string): Promise<string[]> {
  const { json } = await hdfs.ask(`GET ${path}?op=LISTSTATUS&user.name=o`);
  const { FileStatuses } = json as { FileStatuses: { FileStatus: { pathSuffix: string }[] } };
  return FileStatuses.FileStatus.map(({ pathSuffix }) => pathSuffix);
}

const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('webhdfs: names', () => {
  it('every one is made, found, listed in byte order and known to the namespace under the same name', async () => {
    const fs = hdfs.namespace.client();
    const tryName = async (name: string) => {
      expect((await hdfs.ask(`PUT /names/${encodeURIComponent(name)}?op=MKDIRS&user.name=o`)).json, name).toEqual({ boolean: true });
      expect((await hdfs.ask(`GET /names/${encodeURIComponent(name)}?op=GETFILESTATUS`)).status, name).toBe(200);
      expect(await fs.getStatus(`/names/${name}`), name).toMatchObject({ directory: true });
    };
    await Promise.all(NAMES.map(tryName));
    expect(await namesIn('/names')).toEqual([...NAMES].sort(bytewise));
  });

  it('what has no meaning in a path stands for itself', async () => {
    for (const name of ['a+b', 'a;b=c', 'a:b', 'a,b', 'a=b@c', '$HOME', '*', '~', '...']) {
      expect((await hdfs.ask(`GET /names/${name}?op=GETFILESTATUS`)).status, name).toBe(200);
    }
    expect((await hdfs.ask('GET /names/two+words?op=GETFILESTATUS')).status).toBe(404);
  });

  it('in a destination a plus is a blank, and what is escaped is taken once', async () => {
    for (const [said, name] of [
      ['/moved/two+words', 'two words'],
      ['/moved/a%2Bb', 'a+b'],
      ['/moved/100%2525', '100%25'],
      ['%2Fmoved%2Fa%26b', 'a&b'],
    ]) {
      await hdfs.ask('PUT /moved/new?op=MKDIRS&user.name=o');
      expect((await hdfs.ask(`PUT /moved/new?op=RENAME&destination=${said}&user.name=o`)).json, said).toEqual({ boolean: true });
      expect(await namesIn('/moved')).toContain(name);
    }
  });

  it('any name: the one that is listed is the one that was made', async () => {
    const name = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 40 })
      .filter((text) => !/[/\0\p{Cs}]/u.test(text) && text !== '.' && text !== '..');
    let directory = 0;
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), async (names) => {
        directory += 1;
        for (const each of names) await hdfs.ask(`PUT /any/${directory}/${encodeURIComponent(each)}?op=MKDIRS&user.name=o`);
        expect(await namesIn(`/any/${directory}`)).toEqual([...names].sort(bytewise));
      }),
      { numRuns: 5 },
    );
  });
});
