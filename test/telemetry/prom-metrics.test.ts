import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/system-clock.js';
import { PromMetrics } from '../../src/telemetry/prom-metrics.js';

const lines = async (metrics: PromMetrics, name: string) => (await metrics.text()).split('\n').filter((line) => line.includes(name));

test('counter: the same labels, the same counter', async () => {
  const metrics = new PromMetrics(systemClock);
  const changes = metrics.counter('understudy_changes_total', 'Changes.', { kind: 'a' });
  changes.add();
  metrics.counter('understudy_changes_total', 'Changes.', { kind: 'a' }).add(2);
  metrics.counter('understudy_changes_total', 'Changes.', { kind: 'b' }).add();
  expect(await lines(metrics, 'understudy_changes')).toEqual([
    '# HELP understudy_changes_total Changes.',
    '# TYPE understudy_changes_total counter',
    'understudy_changes_total{kind="a"} 3',
    'understudy_changes_total{kind="b"} 1',
  ]);
});

test('histogram: buckets hold what is below them too, a bound belongs to its bucket', async () => {
  const metrics = new PromMetrics(systemClock);
  const took = metrics.histogram('understudy_took_seconds', 'Time.', [0.5, 1], { of: 'x' });
  for (const seconds of [0.25, 0.5, 0.75, 4]) took.observe(seconds);
  expect(await lines(metrics, 'understudy_took_seconds')).toEqual([
    '# HELP understudy_took_seconds Time.',
    '# TYPE understudy_took_seconds histogram',
    'understudy_took_seconds_bucket{of="x",le="0.5"} 2',
    'understudy_took_seconds_bucket{of="x",le="1"} 3',
    'understudy_took_seconds_bucket{of="x",le="+Inf"} 4',
    'understudy_took_seconds_sum{of="x"} 5.5',
    'understudy_took_seconds_count{of="x"} 4',
  ]);
  const values = await metrics.values();
  expect(values.get('understudy_took_seconds_count{of="x"}')).toBe(4);
  expect([...values.keys()].filter((name) => name.includes('_bucket'))).toEqual([]);
});

test('gauge: read when somebody looks, silent where it has nothing to tell', async () => {
  const metrics = new PromMetrics(systemClock);
  let now: number | null = null;
  metrics.gauge('understudy_now', 'Now.', () => now);
  metrics.gauge('understudy_each', 'Each.', () => [[{ of: 'a"b' }, 1]]);
  expect((await metrics.values()).has('understudy_now')).toBe(false);
  now = 7;
  expect((await metrics.values()).get('understudy_now')).toBe(7);
  expect(await lines(metrics, 'understudy_each{')).toEqual(['understudy_each{of="a\\"b"} 1']);
});

test('text: rests between metrics, so that nothing else waits for all of them', async () => {
  let rests = 0;
  let nowMs = 0;
  const clock = {
    // Each look at it is half a millisecond later.
    monotonicMs: () => (nowMs += 0.5),
    defer(fn: () => void) {
      rests += 1;
      systemClock.defer(fn);
    },
  };
  await new PromMetrics(clock).text();
  expect(rests).toBeGreaterThan(10);
});
