import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { Recorder } from './recorder.js';
import { create } from './script.js';
import { FileSink, MemorySink } from './sinks.js';

test('recorder: what an error promises decides the outcome', () => {
  const sink = new MemorySink();
  const recorder = new Recorder(sink, { monotonicMs: () => 1.23456 }, { clock: 'none' });
  const outcomes = (['deadline_exceeded', 'cancelled', 'session_expired', 'outcome_unknown', 'unavailable', 'not_found'] as const).map(
    (code) => recorder.call('c1.0', create('/a')).failed(new UnderstudyError(code, 'x', { errno: 'ENOENT', sn: 7 })),
  );
  expect(outcomes).toEqual(['unknown', 'unknown', 'unknown', 'unknown', 'failed', 'failed']);
  expect(sink.events.at(-1)).toEqual({
    ...{ event: 'return', id: 6, at: 1.235, outcome: 'failed' },
    ...{ error: 'not_found', errno: 'ENOENT', message: 'x', sn: 7 },
  });
  expect(() => recorder.call('c1.0', create('/a')).failed(new TypeError('a defect'))).toThrow('a defect');
});

test('a file of a history: one line an event, all of it once it is closed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'history-'));
  try {
    const path = join(folder, 'history.jsonl');
    const sink = new FileSink(path);
    const recorder = new Recorder(sink, { monotonicMs: () => 5 }, { clock: 'none', about: { seed: 3 } });
    for (let at = 0; at < 5_000; at++) {
      recorder.call('c1.0', create(`/a${at}`)).done({ id: at });
      await recorder.room();
    }
    await sink.close();
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(lines.length).toBe(10_001);
    expect(JSON.parse(lines[0] ?? '')).toEqual({ event: 'run', format: 1, clock: 'none', about: { seed: 3 } });
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ event: 'return', id: 5_000, at: 5, outcome: 'ok', value: { id: 4_999 } });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a file that cannot be written: who makes events is told', async () => {
  const sink = new FileSink('/nowhere/history.jsonl');
  await expect.poll(() => sink.room().then(String, (error) => error.code)).toBe('ENOENT');
});
