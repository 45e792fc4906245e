/** Counts and times the requests of the web port, by method, route (never by address) and status. */
import { type Histogram, type Metrics, SECONDS } from '../base/metrics.js';
import type { WebApp } from './web-app.js';

/** Of addresses where nothing is. */
const NO_ROUTE = 'none';

export function measureRequests(app: WebApp, metrics: Metrics): void {
  const known = new Map<string, Histogram>();
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? NO_ROUTE;
    const { method } = request;
    const status = String(reply.statusCode);
    const key = `${method} ${status} ${route}`;
    let histogram = known.get(key);
    if (histogram === undefined) {
      const labels = { method, route, status };
      histogram = metrics.histogram('understudy_http_request_seconds', 'Time from a request to the end of its answer.', SECONDS, labels);
      known.set(key, histogram);
    }
    histogram.observe(reply.elapsedTime / 1_000);
    done();
  });
}
