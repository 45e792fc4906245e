/**
 * The audit log as a file: one JSON object a line, `{"time", "user", "from", "what", "paths", "more", "call", "result", "sn"}`.
 *
 * Lines are written behind, by sonic-boom (pino's own): no change waits for the disk. What waits is bounded; beyond that lines are lost, the next
 * line that finds room says how many, `{"time", "lost"}`, and a metric counts them. A tool that rotates logs moves the file and sends SIGHUP.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import type { AuditLog, AuditRecord } from '../base/audit-log.js';
import type { Clock } from '../base/clock.js';
import { UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { type Counter, type Metrics, noMetrics } from '../base/metrics.js';

export interface AuditFileDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics;
}

const WAITING_BYTES_MAX = 8 * 1024 * 1024;
const GATHERED_BYTES = 4 * 1024;
const FLUSH_INTERVAL_MS = 500;
/** Only its owner may read what users did. */
const MODE = 0o600;

export class AuditFile implements AuditLog, AsyncDisposable {
  readonly #deps: AuditFileDeps;
  readonly #file: ReturnType<typeof pino.destination>;
  readonly #lostLines: Counter;
  #lost = 0;
  #isFailing = false;

  /** Makes the file and its folder where they are missing. @throws `failed_precondition`: it cannot, or may not write there. */
  constructor(path: string, deps: AuditFileDeps) {
    proveWritable(path);
    this.#deps = deps;
    this.#lostLines = (deps.metrics ?? noMetrics).counter('understudy_audit_lost_lines_total', 'Lines of the audit log that were lost.');
    this.#file = pino.destination({
      dest: path,
      sync: false,
      mkdir: true,
      append: true,
      mode: MODE,
      minLength: GATHERED_BYTES,
      maxLength: WAITING_BYTES_MAX,
      periodicFlush: FLUSH_INTERVAL_MS,
    });
    this.#file.on('drop', () => {
      this.#lost += 1;
      this.#lostLines.add();
    });
    this.#file.on('error', (error) => {
      if (!this.#isFailing) deps.log.error({ file: path, error }, 'the audit log cannot be written; lines may be lost');
      this.#isFailing = true;
    });
    this.#file.on('write', () => {
      this.#isFailing = false;
    });
  }

  note(record: AuditRecord): void {
    const time = new Date(this.#deps.clock.wallMs()).toISOString();
    const lost = this.#lost;
    if (lost > 0) {
      this.#lost = 0;
      this.#file.write(`${JSON.stringify({ time, lost })}\n`);
      // No room even for that: it is one more by now, and they still count.
      if (this.#lost > 0) this.#lost += lost - 1;
    }
    this.#file.write(`${JSON.stringify({ time, ...record })}\n`);
  }

  /** Goes on in a new file of that name: the old one was moved away. */
  reopen(): void {
    this.#file.reopen();
  }

  /** Resolves when all lines are written, or cannot be. */
  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#file.once('close', () => resolve());
      this.#file.once('error', () => resolve());
      this.#file.end();
    });
  }
}

/** Of a file that was never opened, sonic-boom's timer would end the process. */
function proveWritable(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, 'a', MODE));
  } catch (cause) {
    throw new UnderstudyError('failed_precondition', `the audit log cannot be opened: file=${path}`, { cause });
  }
}
