/**
 * The web port of a master: HTTP for people, scripts, load balancers and metrics, on leader and standbys alike.
 *
 * It listens before the master is there, and says then that it starts.
 */
import type { Master } from '../master/master.js';
import { describeApi } from './describe-api.js';
import { answerError, answerErrors } from './errors.js';
import { filesRoutes } from './files-routes.js';
import { healthRoutes } from './health-routes.js';
import { logRoutes } from './log-routes.js';
import { metricsRoutes } from './metrics-routes.js';
import { redirectToLeader } from './redirect.js';
import { replicationRoutes } from './replication-routes.js';
import { statusRoutes } from './status-routes.js';
import type { WebApp, WebContext } from './web-app.js';
import { listenOn, makeWebApp, portOf, type WebDeps, type WebPlace } from './web-port.js';
import { answerWebHdfsError, isWebHdfs, webHdfsRoutes } from './webhdfs/webhdfs-routes.js';

export interface WebSettings extends WebPlace {
  /** How far a standby may be behind and still be ready. */
  readonly readyLagMaxMs: number;
}

export class WebServer implements AsyncDisposable {
  readonly #app: WebApp;
  readonly #context: WebContext & { master: Master | null };

  /** @throws as `listenOn`. */
  static async open(settings: WebSettings, deps: WebDeps): Promise<WebServer> {
    const server = new WebServer(settings, deps);
    await listenOn(server.#app, settings);
    return server;
  }

  private constructor(settings: WebSettings, deps: WebDeps) {
    this.#context = { ...deps, readyLagMaxMs: settings.readyLagMaxMs, master: null };
    this.#app = makeWebApp(settings, deps, (error, request, reply) => {
      if (isWebHdfs(request)) answerWebHdfsError(error, request, reply, deps);
      else answerError(error, request, reply, deps.log);
    });
    answerErrors(this.#app, this.#context);
    const routes = [redirectToLeader, statusRoutes, healthRoutes, metricsRoutes, logRoutes, replicationRoutes, filesRoutes, webHdfsRoutes];
    this.#app.register(async (app) => {
      await describeApi(app as WebApp, deps.version);
      for (const add of routes) add(app as WebApp, this.#context);
    });
  }

  /** The master is there: from now on its state is told, and it is asked. */
  attach(master: Master): void {
    this.#context.master = master;
  }

  /** That was bound. */
  get port(): number {
    return portOf(this.#app);
  }

  close(): Promise<void> {
    return this.#app.close().then(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
