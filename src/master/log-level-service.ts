/** Lets superusers change the least severity that this master logs, while it runs; anybody may ask. */
import { encodeMessage } from '../base/encode-message.js';
import { UnderstudyError } from '../base/errors.js';
import { type LevelledLog, LOG_LEVELS, type LogLevel } from '../base/log.js';
import { decodeRequest } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { CallHandler } from '../rpc/rpc.js';
import type { Identities } from './identities.js';
import { checkOperator } from './operators.js';

/** @returns the handlers by method number. */
export function logLevelMethods(identities: Identities, log: LevelledLog | undefined): ReadonlyMap<number, CallHandler> {
  const { method, request, response } = operations.logLevel;
  return new Map<number, CallHandler>([
    [
      method,
      async (call) => {
        if (log === undefined) throw new UnderstudyError('unimplemented', 'the level of this log cannot be changed');
        const { level, user } = decodeRequest(request, call.body);
        if (level !== '') await checkOperator(identities, user, 'change the level of a log');
        const before = log.level;
        if (level !== '') setLogLevel(log, logLevelOf(level), user);
        call.reply(encodeMessage(response, { level: log.level, before }));
      },
    ],
  ]);
}

/** Says so, in the log itself. */
function setLogLevel(log: LevelledLog, level: LogLevel, user: string): void {
  const before = log.level;
  if (level === before) return;
  log.level = level;
  log.warn({ now: level, before, user }, 'the level of the log was changed, until this process ends');
}

/** @throws `invalid_argument`. */
function logLevelOf(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new UnderstudyError('invalid_argument', `no such level: level=${text} known=${LOG_LEVELS.join(',')}`);
  return level;
}
