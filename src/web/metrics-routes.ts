/** What this process counts and measures: for Prometheus as text (at the address that it asks by itself, and at Alluxio's), for scripts as JSON. */
import { Type } from 'typebox';
import { UnderstudyError } from '../base/errors.js';
import type { ShownMetrics } from '../base/metrics.js';
import type { WebApp, WebContext } from './web-app.js';

const Values = Type.Record(Type.String(), Type.Number(), {
  description: 'Each metric by name and labels, `name{label="value"}`; of histograms count and sum.',
});

const AsText = { description: 'As Prometheus reads it.', content: { 'text/plain': { schema: Type.String() } } };

export function metricsRoutes(app: WebApp, context: Pick<WebContext, 'metrics'>): void {
  for (const path of ['/metrics', '/metrics/prometheus', '/metrics/prometheus/']) {
    const summary = 'Metrics of this master in the text format of Prometheus';
    app.get(path, { schema: { summary, response: { 200: AsText } } }, async (_request, reply) => {
      const metrics = shown(context);
      reply.type(metrics.contentType).serializer((text) => text as string);
      return await metrics.text();
    });
  }
  for (const path of ['/metrics/json', '/metrics/json/']) {
    const schema = { summary: 'Metrics of this master', response: { 200: Values } };
    app.get(path, { schema, serializerCompiler: () => JSON.stringify }, async () => Object.fromEntries(await shown(context).values()));
  }
}

function shown({ metrics }: Pick<WebContext, 'metrics'>): ShownMetrics {
  if (metrics === undefined) throw new UnderstudyError('unimplemented', 'nothing is measured here');
  return metrics;
}
