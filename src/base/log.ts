/** Structured logging, as pino has it: values first, then one lowercase sentence. */
export interface Log {
  debug(values: Readonly<Record<string, unknown>>, message: string): void;
  info(values: Readonly<Record<string, unknown>>, message: string): void;
  warn(values: Readonly<Record<string, unknown>>, message: string): void;
  error(values: Readonly<Record<string, unknown>>, message: string): void;
}

/** From the least severe on. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A log whose least severity can be changed while it is in use. */
export interface LevelledLog extends Log {
  level: LogLevel;
}

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
