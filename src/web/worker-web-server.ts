/**
 * The web port of a worker: health by status code, metrics, what it says of itself, and the bytes of files as WebHDFS has them.
 *
 * It listens before the store is open, which may take long, and says then that it starts.
 */
import { Type } from 'typebox';
import type { Worker } from '../worker/worker.js';
import { answerError } from './errors.js';
import { Health, tellHealth } from './health-routes.js';
import { metricsRoutes } from './metrics-routes.js';
import type { WebApp } from './web-app.js';
import { listenOn, makeWebApp, portOf, type WebDeps, type WebPlace } from './web-port.js';
import { type WebHdfsDataDeps, webHdfsDataRoutes } from './webhdfs/data-routes.js';

const text = (description: string) => Type.String({ description });
const whole = (description: string) => Type.Integer({ minimum: 0, description });

const Tier = Type.Object({
  name: text('MEM, SSD, HDD.'),
  capacityBytes: whole('Of the directories that work.'),
  usedBytes: whole('Of those, with what is kept for blocks that are being written.'),
  directories: whole('That it was given.'),
  failedDirectories: whole('Of them.'),
});

const WorkerStatus = Type.Object({
  state: Type.Enum(['STARTING', 'LIVE', 'LEAVING'], { description: 'LEAVING: it is being stopped, and takes no new blocks.' }),
  id: text('Kept on its disks.'),
  rpcAddress: text('Of its data service, host:port.'),
  webAddress: text('Its own, host:port.'),
  version: text('Of the program.'),
  startedMs: whole('Unix time in milliseconds; 0 while it starts.'),
  blocks: whole('That it holds.'),
  tiers: Type.Array(Tier),
  masters: Type.Array(text('host:port of a master that it has a session with.')),
});

/** Files come in one request, as fast as their senders are; who sends nothing is let go sooner. */
const BODY_MAX_MS = 24 * 3_600_000;

export interface WorkerWebDeps extends WebDeps, WebHdfsDataDeps {}

export class WorkerWebServer implements AsyncDisposable {
  readonly #app: WebApp;
  #worker: Worker | null = null;

  /** @throws as `listenOn`. */
  static async open(place: WebPlace, deps: WorkerWebDeps): Promise<WorkerWebServer> {
    const server = new WorkerWebServer(place, deps);
    await listenOn(server.#app, place);
    return server;
  }

  private constructor(place: WebPlace, deps: WorkerWebDeps) {
    this.#app = makeWebApp(
      { requestMaxMs: BODY_MAX_MS, ...place },
      deps,
      (error, request, reply) => void answerError(error, request, reply, deps.log),
    );
    this.#app.setErrorHandler((error: Error, request, reply) => answerError(error as never, request, reply, deps.log));
    this.#app.setNotFoundHandler((_, reply) =>
      reply.code(404).send({ error: { code: 'not_found', message: 'there is nothing at this address' } }),
    );
    metricsRoutes(this.#app, deps);
    webHdfsDataRoutes(this.#app, deps);
    const health = { response: { 200: Health, 503: Health } };
    this.#app.get('/health/live', { schema: health }, async (_, reply) => tellHealth(reply, ''));
    this.#app.get('/health/ready', { schema: health }, async (_, reply) => tellHealth(reply, this.#worker?.whyNotReady ?? STARTS));
    this.#app.get('/api/v1/worker/status', { schema: { response: { 200: WorkerStatus } } }, async () => this.#status(deps.version));
  }

  /** The worker is there: from now on its state is told. */
  attach(worker: Worker): void {
    this.#worker = worker;
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

  #status(version: string) {
    const worker = this.#worker;
    if (worker === null) return { ...UNKNOWN, version };
    const { state, identity, startedMs, store, masters } = worker;
    const { id, rpcAddress, webAddress } = identity;
    const tiers = store.tiers.map((tier) => ({ ...tier }));
    return { state, id, rpcAddress, webAddress, version, startedMs, blocks: store.blockCount, tiers, masters: [...masters] };
  }
}

const STARTS = 'this worker starts';
const UNKNOWN = { state: 'STARTING' as const, id: '', rpcAddress: '', webAddress: '', startedMs: 0, blocks: 0, tiers: [], masters: [] };
