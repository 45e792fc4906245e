/** The description of the HTTP API: what docs/api/openapi.json has, and a tool that tries the API by it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../servers/built.js';
import { ownFolder } from '../servers/own-folder.js';
import { runSchemathesis } from '../servers/python-clients.js';
import { testWithPython } from '../servers/tests-with-clients.js';
import { ask, openWeb, WebMasters } from './web-masters.js';

const FILE = join(ROOT, 'docs', 'api', 'openapi.json');
const HOW = 'npm run golden writes it anew';
const LIMIT_MS = 240_000;

async function describedBy(web: { readonly port: number }): Promise<string> {
  const { status, body } = await ask(web, '/api/v1/openapi.json');
  expect(status).toBe(200);
  return `${JSON.stringify(JSON.parse(body), null, 2)}\n`;
}

describe('description of the API', () => {
  test('docs/api/openapi.json is what masters tell', async () => {
    const told = await describedBy(await openWeb());
    if (process.env.WRITE_GOLDEN !== undefined) writeFileSync(FILE, told);
    expect(readFileSync(FILE, 'utf8'), HOW).toBe(told);
  });

  test('every address and every parameter says what it is', async () => {
    const { paths } = JSON.parse(await describedBy(await openWeb())) as Described;
    const mute = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { summary, parameters = [] }]) => [
        ...(summary ? [] : [`${method} ${path}`]),
        ...parameters.filter(({ description }) => !description).map(({ name }) => `${method} ${path} ${name}`),
      ]),
    );
    expect(Object.keys(paths)).toContain('/api/v1/master/status');
    expect(mute).toEqual([]);
  });

  testWithPython(
    'tried by it: every answer is as described, and nothing is a defect',
    async () => {
      const { web } = await new WebMasters().start('m1');
      const address = `http://127.0.0.1:${web.port}`;
      const folder = ownFolder('schemathesis');
      onTestFinished(() => folder.remove());
      const options = [
        `${address}/api/v1/openapi.json`,
        ...[
          '--url',
          address,
          '--workers',
          '1',
          '--max-examples',
          process.env.LONG === undefined ? '10' : '100',
          '--generation-deterministic',
        ],
        ...['--checks', 'all', '--exclude-checks', 'unsupported_method,negative_data_rejection,positive_data_acceptance'],
      ];
      const { code, out } = await runSchemathesis(options, { folder: folder.path, limitMs: LIMIT_MS });
      expect(code, out).toBe(0);
      expect(out).toMatch(/(\d+) generated, \1 passed/);
    },
    LIMIT_MS,
  );
});

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly { readonly name: string; readonly description?: string }[];
}
