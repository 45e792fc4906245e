/** What web tests stand on: HAProxy, promtool, Hadoop's client and clients in Python run here, and say no when they should. */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { closedWithTest } from './closed-with-test.js';
import { startHadoopClient } from './hadoop-client.js';
import { startHaproxy } from './haproxy.js';
import { ownFolder } from './own-folder.js';
import { freePorts } from './ports.js';
import { checkMetrics, checkRules, testRules } from './promtool.js';
import { runPython, runSchemathesis } from './python-clients.js';
import { testWithHadoop, testWithPython } from './tests-with-clients.js';

/** @param status what it answers everything with. @returns its port. */
async function answering(status: { code: number }): Promise<number> {
  const server = createServer((_, response) => response.writeHead(status.code).end('answer'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closedWithTest({ close: () => void server.close() });
  return (server.address() as AddressInfo).port;
}

function folderOfTest(kind: string): string {
  const folder = ownFolder(kind);
  closedWithTest({ close: () => folder.remove() });
  return folder.path;
}

test('HAProxy: follows a check by status code, and refuses nonsense', async () => {
  const status = { code: 503 };
  const [front] = await freePorts(1);
  const config = (check: string) => `
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
listen masters
  bind 127.0.0.1:${front}
  ${check}
  http-check expect status 200
  server m1 127.0.0.1:${port} check inter 50ms fall 1 rise 1
`;
  const port = await answering(status);
  await expect(startHaproxy(config('option no such thing'))).rejects.toThrow(/refuses its configuration.*no such thing|unknown option/s);
  const haproxy = closedWithTest(await startHaproxy(config('option httpchk GET /health/leader')));
  await haproxy.waitUntilUp('masters', []);
  expect((await fetch(`http://127.0.0.1:${front}/`)).status).toBe(503);
  status.code = 200;
  await haproxy.waitUntilUp('masters', ['m1']);
  expect(await (await fetch(`http://127.0.0.1:${front}/`)).text()).toBe('answer');
});

test('promtool: tells good metrics and rules from bad ones', async () => {
  expect(await checkMetrics('# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 1\n')).toEqual([]);
  expect((await checkMetrics('# TYPE calls counter\ncalls 1\n')).join()).toMatch(/_total.*no help text/);
  const folder = folderOfTest('rules');
  const rules = path.join(folder, 'rules.yml');
  const tests = path.join(folder, 'tests.yml');
  const alert = (expression: string) =>
    writeFileSync(rules, `groups: [{name: g, rules: [{alert: Down, expr: '${expression}', labels: {severity: page}}]}]\n`);
  writeFileSync(
    tests,
    `rule_files: [rules.yml]
tests:
  - interval: 1m
    input_series: [{series: 'up{job="m"}', values: '0 0'}]
    alert_rule_test: [{eval_time: 1m, alertname: Down, exp_alerts: [{exp_labels: {job: m, severity: page}}]}]
`,
  );
  alert('up == 0');
  expect([...(await checkRules(rules)), ...(await testRules(tests))]).toEqual([]);
  alert('up == 1');
  expect((await testRules(tests)).join()).toContain('alertname: Down');
});

testWithHadoop('client: runs one command after another in one process', async () => {
  const folder = folderOfTest('hadoop');
  const client = closedWithTest(await startHadoopClient({ 'fs.defaultFS': 'file:///' }));
  const odd = path.join(folder, 'a b+%é');
  const [made, listed, missing] = await Promise.all([
    client.shell('-mkdir', odd),
    client.shell('-ls', '-C', folder),
    client.shell('-ls', path.join(folder, 'none')),
  ]);
  expect(made).toEqual({ code: 0, out: '', err: '' });
  expect(listed.out).toContain(odd);
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('No such file or directory') });
  expect((await client.call('mkdirs', path.join(folder, 'b'))).out).toBe('true\n');
  expect(await client.rename('/a', '/b', 'OVERWRITE')).toMatchObject({ code: 1, err: expect.stringContaining('WebHdfsFileSystem') });
  expect(await client.call('noSuchMethod')).toMatchObject({ code: 1, err: expect.stringContaining('noSuchMethod') });
});

testWithPython('clients: are there, and find an API that breaks its word', async () => {
  const imports = await runPython(['-c', 'import hdfs; from fsspec.implementations.webhdfs import WebHDFS; print("there")']);
  expect(imports).toMatchObject({ code: 0, out: 'there\n' });
  const status = { code: 200 };
  const url = `http://127.0.0.1:${await answering(status)}`;
  const folder = folderOfTest('schemathesis');
  const api = {
    openapi: '3.0.3',
    info: { title: 't', version: '1' },
    paths: { '/health': { get: { responses: { 200: { description: 'ok' } } } } },
  };
  const description = path.join(folder, 'openapi.json');
  writeFileSync(description, JSON.stringify(api));
  const run = () => runSchemathesis([description, '--url', url, '--max-examples', '3', '--checks', 'status_code_conformance'], { folder });
  expect(await run()).toMatchObject({ code: 0 });
  status.code = 418;
  expect(await run()).toMatchObject({ code: 1, out: expect.stringContaining('Undocumented status code') });
});
