/** What masters and workers have in common as processes: their log, signals, and the end of one with a defect. */
import type { LevelledLog, Log } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import type { LoadedSettings } from '../config/load-settings.js';
import type { Settings } from '../config/settings.js';
import { lineSink } from '../telemetry/line-sink.js';
import { pinoLog } from '../telemetry/pino-log.js';
import { EXIT } from './exit-code.js';

const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

/** To stderr. */
export function processLog({ loggerLevel, loggerFormat }: Settings, debug: boolean): LevelledLog {
  const format = loggerFormat === 'auto' ? (process.stderr.isTTY ? 'text' : 'json') : loggerFormat;
  return pinoLog({ level: debug ? 'debug' : loggerLevel, format }, { clock: systemClock, sink: lineSink(2) });
}

/** Of the settings, once, at start. */
export function tellIgnored({ ignored }: LoadedSettings, log: Log): void {
  if (ignored.length === 0) return;
  const keys = ignored.map(({ spelling, place }) => `${spelling} (${place})`).join(', ');
  log.warn({ keys }, 'settings that mean nothing here are ignored');
}

/** The first SIGTERM or SIGINT stops the process in order, a second one at once. */
export function stopOnSignal(stop: () => void, log: Log): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(SIGNAL_EXIT[signal]);
      asked = true;
      log.info({ signal }, 'stopping; a second signal ends this process at once');
      stop();
    });
  }
}

/** A defect ends the process, at once: others take its place, and nothing that was acknowledged is lost. */
export function dieOfDefects(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.error({ error, stack: error.stack ?? '' }, 'a defect: this process ends');
    process.exit(EXIT.failed);
  });
}
