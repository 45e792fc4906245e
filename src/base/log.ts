/** Structured logging, as pino has it: values first, then one lowercase sentence. */
export interface Log {
  debug(values: Readonly<Record<string, unknown>>, message: string): void;
  info(values: Readonly<Record<string, unknown>>, message: string): void;
  warn(values: Readonly<Record<string, unknown>>, message: string): void;
  error(values: Readonly<Record<string, unknown>>, message: string): void;
}

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
