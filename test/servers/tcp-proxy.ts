/**
 * A TCP proxy that can fall silent: what a pulled cable looks like to both sides.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export class TcpProxy implements AsyncDisposable {
  readonly address: string;
  readonly #worker: Worker;

  private constructor(worker: Worker, address: string) {
    this.#worker = worker;
    this.address = address;
  }

  /** @param target `host:port` @param address that it listens on. */
  static async start(target: string, address = '127.0.0.1'): Promise<TcpProxy> {
    const [host, port] = target.split(':');
    const worker = new Worker(new URL('./tcp-proxy-worker.mjs', import.meta.url), {
      workerData: { target: { host, port: Number(port) }, address },
    });
    const [listening]: number[] = await once(worker, 'message');
    return new TcpProxy(worker, `${address}:${listening}`);
  }

  /** Nothing passes any more, in either direction; connections stay open, and new ones stay silent. */
  freeze(): void {
    this.#worker.postMessage('freeze');
  }

  thaw(): void {
    this.#worker.postMessage('thaw');
  }

  /** Breaks all connections; new ones pass. */
  cut(): void {
    this.#worker.postMessage('cut');
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
