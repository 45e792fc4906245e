/** The alert rules that are shipped, by Prometheus' own tool: well-formed, and firing when they should (alerts.test.yml). */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../servers/built.js';
import { checkRules, testRules } from '../servers/promtool.js';

const RULES = path.join(ROOT, 'conf', 'alerts.yml');
const CASES = path.join(ROOT, 'test', 'telemetry', 'alerts.test.yml');
const CASE = /alertname: (\w+)\n? *,? *exp_alerts:( \[\])?/g;

test('alerts: promtool finds nothing wrong with the rules', async () => {
  expect(await checkRules(RULES)).toEqual([]);
});

test('alerts: fire when they should, and are silent when all is well', async () => {
  expect(await testRules(CASES)).toEqual([]);
});

test('alerts: each one has a case in which it fires, and one in which it does not', () => {
  const alerts = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const cases = [...readFileSync(CASES, 'utf8').matchAll(CASE)].map(
    ([, name, silent]) => `${name} ${silent === undefined ? 'fires' : 'is silent'}`,
  );
  expect(alerts.length).toBeGreaterThan(10);
  const wanted = alerts.flatMap((name) => [`${name} fires`, `${name} is silent`]);
  expect(wanted.filter((one) => !cases.includes(one))).toEqual([]);
});
