/**
 * The log of a process: pino behind the `Log` interface, as text for people or as JSON for machines.
 *
 * Synchronous: a line is out when the call returns. Errors among the values become one line (code, message, causes), with their stacks only
 * at level debug; bytes become hexadecimal. Text lines are `2026-11-21T10:41:11.123Z INFO  took over epoch=7 entries=3`, and nothing in
 * a message or value can begin a new line but a stack.
 */
import { type Logger, pino } from 'pino';
import type { Clock } from '../base/clock.js';
import type { LevelledLog, LogLevel } from '../base/log.js';
import { describeError, stackOf } from './describe-error.js';
import type { LineSink } from './line-sink.js';

export interface PinoLogSettings {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
}

export interface PinoLogDeps {
  readonly clock: Clock;
  readonly sink: LineSink;
}

const BYTES_SHOWN_MAX = 32;
/** Names that a line has for itself; a value of that name gets a `_` behind it. */
const RESERVED = new Set(['level', 'time', 'msg', 'stack']);

export function pinoLog(settings: PinoLogSettings, { clock, sink }: PinoLogDeps): LevelledLog {
  const logger: Logger = pino(
    {
      level: settings.level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.wallMs()).toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (values) => printable(values, logger.level === 'debug'),
      },
    },
    settings.format === 'json' ? sink : { write: (line) => sink.write(textLine(JSON.parse(line))) },
  );
  // Nobody sets another one.
  return logger as typeof logger & { level: LogLevel };
}

function printable(values: Record<string, unknown>, withStacks: boolean): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    shown[RESERVED.has(key) ? `${key}_` : key] = printableValue(value);
    if (withStacks && value instanceof Error) shown.stack = stackOf(value);
  }
  return shown;
}

function printableValue(value: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value.subarray(0, BYTES_SHOWN_MAX)).toString('hex');
    return value.length > BYTES_SHOWN_MAX ? `${hex}… (${value.length} bytes)` : hex;
  }
  return value;
}

function textLine({ level, time, msg, stack, ...values }: Record<string, unknown>): string {
  const said = Object.entries(values).map(([key, value]) => ` ${oneLine(key)}=${textValue(value)}`);
  const below = stack === undefined ? '' : `\n${String(stack)}`.replaceAll('\n', '\n    ');
  return `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${oneLine(String(msg ?? ''))}${said.join('')}${below}\n`;
}

/** Anything with white space, quotes or control characters is quoted. */
function textValue(value: unknown): string {
  if (typeof value !== 'string') return oneLine(JSON.stringify(value));
  return /^[^\s"\p{Cc}]+$/u.test(value) ? value : oneLine(JSON.stringify(value));
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
