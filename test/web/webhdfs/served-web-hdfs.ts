/** Masters with their web ports, over memory, and requests of WebHDFS as they stand on the wire: nothing is escaped or tidied up on the way. */
import { Agent, request } from 'node:http';
import { silentLog } from '../../../src/base/log.js';
import { systemClock } from '../../../src/base/system-clock.js';
import { deferred } from '../../../src/base/wait.js';
import type { Master } from '../../../src/master/master.js';
import type { MasterSettings } from '../../../src/master/master-settings.js';
import { WebServer } from '../../../src/web/web-server.js';
import { ServedNamespace } from '../../client/served-namespace.js';
import { waitUntil } from '../../servers/wait-until.js';

export interface Told {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** Parsed, of a JSON answer; `exception` of a RemoteException. */
  readonly json: unknown;
  readonly exception: string | undefined;
}

export class ServedWebHdfs implements AsyncDisposable {
  readonly namespace: ServedNamespace;
  readonly #servers: WebServer[] = [];
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(namespace: ServedNamespace) {
    this.namespace = namespace;
  }

  /** The first master leads. `o` is the superuser. */
  static async open(names: readonly string[] = ['a'], settings: Partial<MasterSettings> = {}): Promise<ServedWebHdfs> {
    return ServedWebHdfs.over(await ServedNamespace.open(names, settings));
  }

  /** As `open`, over masters that run. */
  static async over(namespace: ServedNamespace): Promise<ServedWebHdfs> {
    const served = new ServedWebHdfs(namespace);
    for (const master of served.namespace.cluster.masters) await served.serve(master);
    await waitUntil('a leader serves', async () => served.namespace.cluster.masters[0]?.leadership !== null, 10_000);
    return served;
  }

  /** Opens a web port; of no master: of a program that is still starting. */
  async serve(master: Master | null): Promise<WebServer> {
    const server = await WebServer.open(
      { host: '127.0.0.1', port: 0, readyLagMaxMs: 10_000 },
      { clock: systemClock, log: silentLog, version: 'test' },
    );
    if (master !== null) server.attach(master);
    this.#servers.push(server);
    return server;
  }

  port(index = 0): number {
    return (this.#servers[index] as WebServer).port;
  }

  /**
   * @param asked `METHOD /path?query`, behind `/webhdfs/v1`, as it is to be sent. @param index of the master.
   */
  ask(asked: string, index = 0, body?: string | Buffer, headers: Record<string, string> = {}): Promise<Told> {
    const [method = '', target = ''] = asked.split(/ (.*)/s);
    const port = this.port(index);
    const { promise, resolve, reject } = deferred<Told>();
    const sent = request({ host: '127.0.0.1', port, method, path: `/webhdfs/v1${target}`, agent: this.#agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const type = response.headers['content-type'] ?? '';
        const json = type.startsWith('application/json') && text !== '' ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, type, text, json, exception: json?.RemoteException?.exception });
      });
    });
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    for (const server of this.#servers) await server.close();
    await this.namespace[Symbol.asyncDispose]();
  }
}
