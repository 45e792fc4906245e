import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { lineSink } from '../../src/telemetry/line-sink.js';
import { type PinoLogSettings, pinoLog } from '../../src/telemetry/pino-log.js';

const TIME = '2026-11-21T10:41:11.123Z';

function logging(settings: Partial<PinoLogSettings>) {
  const lines: string[] = [];
  const clock = { ...systemClock, wallMs: () => Date.parse(TIME) };
  const log = pinoLog({ level: 'info', format: 'text', ...settings }, { clock, sink: { write: (line) => lines.push(line) } });
  return { log, lines };
}

const failure = new UnderstudyError('unavailable', 'cannot append sn=7', { cause: new Error('disk on fire') });

test('log: text, one readable line', () => {
  const { log, lines } = logging({});
  log.info({ epoch: 7, path: '/a b', list: [1, 2], hash: new Uint8Array([1, 255]) }, 'took over 100% %s');
  log.warn({}, 'nothing to say');
  log.error({ error: failure }, 'gave up');
  expect(lines).toEqual([
    `${TIME} INFO  took over 100% %s epoch=7 path="/a b" list=[1,2] hash=01ff\n`,
    `${TIME} WARN  nothing to say\n`,
    `${TIME} ERROR gave up error="unavailable: cannot append sn=7 <- disk on fire"\n`,
  ]);
});

test('log: json, one object a line', () => {
  const { log, lines } = logging({ format: 'json' });
  log.info({ epoch: 7, level: 'mine', cause: failure }, 'took over');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 'info', time: TIME, epoch: 7, level_: 'mine', cause: 'unavailable: cannot append sn=7 <- disk on fire', msg: 'took over' },
  ]);
});

test('log: below its level, nothing', () => {
  const { log, lines } = logging({ level: 'warn' });
  log.debug({}, 'd');
  log.info({}, 'i');
  expect(lines).toEqual([]);
});

test.each(['text', 'json'] as const)('log: an error in %s, its stack is there only at level debug', (format) => {
  const plain = logging({ format });
  plain.log.error({ error: failure }, 'gave up');
  expect(plain.lines.join('')).not.toContain('pino-log.test.ts');
  const debug = logging({ format, level: 'debug' });
  debug.log.error({ error: failure }, 'gave up');
  expect(debug.lines.join('')).toContain('pino-log.test.ts');
  expect(debug.lines.join('')).toContain('caused by Error: disk on fire');
});

test.each(['text', 'json'] as const)('log: whatever the values in %s, exactly one line', (format) => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a\nb', '\r', '\u2028', '\u001b[2J', '__proto__', 'time', 'msg'));
  const { log, lines } = logging({ format });
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.anything({ withBigInt: true }))), text, (values, message) => {
      lines.length = 0;
      log.info(values, message);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^[^\n\r]*\n$/);
      if (format === 'text') expect(lines[0]).not.toMatch(/(?!\n)[\p{Cc}\u2028]/u);
    }),
  );
});

test('line sink: a full disk, lines are dropped and the number is told once writing works again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-sink-'));
  const full = openSync('/dev/full', 'w');
  const sink = lineSink(full);
  sink.write('lost 1\n');
  sink.write('lost 2\n');
  closeSync(full);
  const file = join(folder, 'log');
  const good = openSync(file, 'w');
  expect(good).toBe(full);
  sink.write('kept\n');
  sink.write('kept too\n');
  closeSync(good);
  expect(readFileSync(file, 'utf8')).toBe('(2 log lines were lost)\nkept\nkept too\n');
  rmSync(folder, { recursive: true });
});

test('line sink: a reader that stalls, is waited for once and then lines are dropped', () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-sink-'));
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const sink = lineSink(fd);
  for (let at = 0; at < 20_000; at++) sink.write(`line ${at} ${'x'.repeat(80)}\n`);
  const buffer = Buffer.alloc(1 << 20);
  const filled = buffer.toString('utf8', 0, readSync(fd, buffer));
  expect(filled).toMatch(/^line 0 x+\nline 1 x+\n/);
  sink.write('after\n');
  expect(buffer.toString('utf8', 0, readSync(fd, buffer))).toMatch(/^\n?\(\d+ log lines were lost\)\nafter\n$/);
  closeSync(fd);
  rmSync(folder, { recursive: true });
});
