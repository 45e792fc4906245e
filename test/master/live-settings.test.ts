/** The settings of a running master: what counts at once, what waits for a start, and what no entry can do to it. */
import { expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import type { Log } from '../../src/base/log.js';
import { masterSettings } from '../../src/cli/master-settings.js';
import { loadSettings } from '../../src/config/load-settings.js';
import { LiveSettings } from '../../src/master/live-settings.js';
import type { Property } from '../../src/metadata/cluster-config.js';

const defaults = { home: '/home', 'security.login.username': 'root', 'master.hostname': 'h', 'worker.hostname': 'h' };

function begin(file: string, journaled: readonly Property[] = [], overrides: readonly string[] = []) {
  const said: string[] = [];
  const note = (level: string) => (values: Readonly<Record<string, unknown>>, message: string) => {
    said.push(`${level} ${message} ${JSON.stringify(values, (_, value) => (value instanceof UnderstudyError ? value.message : value))}`);
  };
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const live = new LiveSettings(journaled, {
    log,
    load: (properties) => loadSettings({ sources: [{ name: 'f', text: file }], env: {}, overrides, defaults, journaled: properties }),
    masterSettings: (settings) => masterSettings(settings, '1', 1),
  });
  const take = (...pairs: [key: string, value: string][]) =>
    live.take({ sn: 1, places: [{ path: '', properties: pairs.map(([key, value]) => ({ key, value })) }] });
  const row = (name: string) => live.rows().find(({ key }) => key === name);
  return { live, take, row, said };
}

test('at once: the same objects change, and change back; the row tells what the journal overrides', () => {
  const { live, take, row, said } = begin('understudy.master.trash.interval=1h\n');
  const { current } = live;
  const { namespace } = current;
  expect(namespace.trashIntervalMs).toBe(3_600_000);
  take(['master.lease.timeout', '5min'], ['master.trash.interval', '2h']);
  expect(live.current).toBe(current);
  expect(current.namespace).toBe(namespace);
  expect([namespace.trashIntervalMs, current.leaseTimeoutMs]).toEqual([7_200_000, 300_000]);
  expect(row('master.trash.interval')).toEqual({
    ...{ key: 'master.trash.interval', value: '2h', source: 'journal', overridden: '1h (f:1)', pending: null, mark: '' },
  });
  expect(said).toContain(
    'info a setting in the journal was changed {"key":"understudy.master.trash.interval","value":"2h","was":"1h","counts":"now"}',
  );
  take();
  expect([namespace.trashIntervalMs, current.leaseTimeoutMs]).toEqual([3_600_000, 600_000]);
  expect(row('master.trash.interval')).toMatchObject({ value: '1h', source: 'f:1', overridden: '' });
});

test('a secret is told by a mark: alike for the same one of the same setting, and no part of it', () => {
  const told = (text: string) => begin(text).row('aws.secretKey');
  const row = told('aws.secretKey=unspeakable\n');
  expect(row).toMatchObject({ value: '******', mark: expect.stringMatching(/^[0-9a-f]{4}$/) });
  expect(told('aws.secretKey=unspeakable\n')).toEqual(row);
  expect(told('aws.secretKey=unspoken\n')?.mark).not.toBe(row?.mark);
  expect(begin('aws.accessKeyId=unspeakable\n').row('aws.accessKeyId')?.mark).not.toBe(row?.mark);
  expect(begin('').row('aws.secretKey')).toMatchObject({ value: '', mark: '' });
});

test('the journal counts more than the command line, which stays to be seen', () => {
  const { live, take, row } = begin('', [], ['understudy.master.trash.interval=1h']);
  take(['master.trash.interval', '2h']);
  expect(live.current.namespace.trashIntervalMs).toBe(7_200_000);
  expect(row('master.trash.interval')?.overridden).toBe('1h (-Dunderstudy.master.trash.interval)');
});

test('at start: it stays as it is, what is to come is told, and a start brings it', () => {
  const { live, take, row } = begin('');
  const before = live.current.callsInFlightMax;
  take(['master.rpc.calls.max', '100']);
  expect(live.current.callsInFlightMax).toBe(before);
  expect(row('master.rpc.calls.max')).toMatchObject({ value: '8192', source: 'default', pending: '100' });
  const again = begin('', [{ key: 'master.rpc.calls.max', value: '100' }]);
  expect(again.live.current.callsInFlightMax).toBe(100);
  again.take(['master.rpc.calls.max', '100']);
  expect(again.row('master.rpc.calls.max')).toMatchObject({ value: '100', source: 'journal', pending: null });
});

test('what this version does not take, or does not fit with its own file, is left out, and said', () => {
  const { live, take, said } = begin('understudy.master.standby.stream.heartbeat.interval=500ms\n');
  take(['from.a.later.version', 'x'], ['master.rpc.port', '1'], ['master.lease.timeout', '5parsecs'], ['master.trash.interval', '2h']);
  expect(live.current.namespace.trashIntervalMs).toBe(7_200_000);
  expect(said).toContain(
    'warn settings in the journal that this version does not take are left out ' +
      '{"settings":["from.a.later.version=x","master.rpc.port=1","master.lease.timeout=5parsecs"]}',
  );
  take(['master.leader.ping.timeout', '1sec'], ['master.trash.interval', '3h']);
  expect(live.current.namespace.trashIntervalMs).toBe(0);
  expect(said.at(-2)).toMatch(/^error the settings in the journal do not fit with this master's own/);
});

test('a leader refuses what would not fit with its own settings', () => {
  const { live } = begin('');
  const problem = live.current.namespace.problemWith?.([{ key: 'master.leader.ping.timeout', value: '500ms' }]);
  expect(problem).toMatch(/master\.leader\.ping\.timeout: has to be at least four times/);
  expect(live.current.namespace.problemWith?.([{ key: 'master.leader.ping.timeout', value: '3sec' }])).toBeUndefined();
});
