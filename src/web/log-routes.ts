/** The level of this master's log: asked by anybody, changed by superusers until its process ends. */
import { Type } from 'typebox';
import { UnderstudyError } from '../base/errors.js';
import { LOG_LEVELS } from '../base/log.js';
import { operations } from '../metadata/operations.js';
import { callOptions, callsOf, type WebApp, type WebContext } from './web-app.js';

const Level = Type.Object({ level: Type.Enum([...LOG_LEVELS], { description: 'Least severity that is logged.' }) });
const User = Type.Object({
  'user.name': Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Who asks; nobody without it.' })),
});

export function logRoutes(app: WebApp, context: WebContext): void {
  app.get('/api/v1/log/level', { schema: { summary: 'The level of the log', response: { 200: Level } } }, async () => {
    if (context.logLevel === undefined) throw new UnderstudyError('unimplemented', 'the level of this log cannot be changed');
    return { level: context.logLevel.level };
  });

  const summary = 'Change the level of the log until this master ends';
  const schema = { summary, querystring: User, body: Level, response: { 200: Level } };
  app.put('/api/v1/log/level', { schema }, async ({ body: { level }, query }, reply) => {
    const request = { level, user: query['user.name'] ?? '' };
    await callsOf(context).call(operations.logLevel, request, callOptions(reply));
    return { level };
  });
}
