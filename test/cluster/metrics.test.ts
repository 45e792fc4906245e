/**
 * What real masters measure, as Prometheus and scripts read it from their web ports.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../servers/built.js';
import { checkMetrics } from '../servers/promtool.js';
import { waitUntil } from '../servers/wait-until.js';
import { Cluster } from './cluster.js';
import type { MasterProcess } from './master-process.js';

const at = (master: MasterProcess, path: string) => fetch(`http://127.0.0.1:${master.place.webPort}${path}`);

async function valuesOf(master: MasterProcess): Promise<Record<string, number>> {
  return (await (await at(master, '/metrics/json')).json()) as Record<string, number>;
}

test('metrics: of a leader, its standby and an observer, tell what they do', async () => {
  const cluster = await Cluster.prepare({ masters: 3 });
  await cluster.format();
  const observer = cluster.master(2);
  await Promise.all([cluster.master(0).start(), cluster.master(1).start(), observer.start({ 'master.role': 'observer' })]);
  const fs = await cluster.client();
  for (let i = 0; i < 20; i++) await fs.createDirectory(`/d${i}`);
  await expect(fs.createDirectory('/d0')).rejects.toThrow();
  const leader = await cluster.leader();
  const [standby] = cluster.others(leader, observer) as [MasterProcess];

  const [led, followed] = await Promise.all([valuesOf(leader), valuesOf(standby)]);
  expect(led['understudy_master_state{state="ACTIVE"}']).toBe(1);
  expect(followed['understudy_master_state{state="PASSIVE"}']).toBe(1);
  expect(led['understudy_rpc_call_seconds_count{method="createDirectory",outcome="ok"}']).toBe(20);
  expect(led['understudy_rpc_call_seconds_count{method="createDirectory",outcome="already_exists"}']).toBe(1);
  expect(led.understudy_journal_batch_entries_sum).toBeGreaterThanOrEqual(20);
  expect(led['understudy_journal_append_seconds_count{outcome="ok"}']).toBe(led.understudy_journal_batch_entries_count);
  expect(led.understudy_namespace_directories).toBe(21);

  const seen = async () => Object.keys(await valuesOf(leader)).filter((name) => name.startsWith('understudy_standby_lag_bytes{'));
  await waitUntil('the leader has heard of both others', async () => (await seen()).length === 2);
  const text = await at(leader, '/metrics');
  expect(text.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const shown = await text.text();
  expect(shown).toContain('# TYPE understudy_rpc_call_seconds histogram\n');
  expect(await checkMetrics(shown)).toEqual([]);
  for (const other of [standby, observer]) expect(await checkMetrics(await (await at(other, '/metrics')).text())).toEqual([]);
  expect(await (await at(standby, '/metrics/prometheus/')).text()).toContain('understudy_replay_lag_seconds');
});

const METRIC = /\b(?:understudy|nodejs|process)_[a-z0-9_]+/g;

test('metrics: all that the dashboard and the alerts ask for, exists', async () => {
  const cluster = await Cluster.prepare({ masters: 1 });
  await cluster.format();
  const leader = cluster.master(0);
  await leader.start({ 'master.audit.logging.enabled': 'true', 'master.audit.log.file': path.join(cluster.folder, 'audit.log') });
  await cluster.leader();
  await at(leader, '/metrics/json');
  const text = await (await at(leader, '/metrics')).text();
  const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const dashboard = JSON.parse(readFileSync(path.join(ROOT, 'conf', 'grafana-dashboard.json'), 'utf8')) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
  };
  const alerts = readFileSync(path.join(ROOT, 'conf', 'alerts.yml'), 'utf8');
  const expressions = [...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), alerts];
  const asked = expressions.flatMap((expr) => expr.match(METRIC) ?? []).map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));
  expect(asked.length).toBeGreaterThan(30);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
});
