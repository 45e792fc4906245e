/** The bench's ends of a worker, and of clients that read and write bytes. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { FileSystem } from '../src/cli/understudy.js';
import { toldPlaces } from '../src/client/data/block-places.js';
import { freePorts } from '../test/servers/ports.js';
import { tracked } from '../test/servers/processes.js';
import { waitUntil } from '../test/servers/wait-until.js';
import { askChild } from './ask-child.js';
import { flags, ROOT, YOUNG_HEAP } from './cluster.js';
import type { DataAnswer, DataMeasured, DataRequest } from './data-load.js';

const START_LIMIT_MS = 120_000;

class Child implements AsyncDisposable {
  readonly process: ChildProcess;

  constructor(child: ChildProcess) {
    this.process = tracked(child);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.connected) this.process.disconnect();
    else this.process.kill('SIGTERM');
    await waitUntil('a process ends', () => this.process.exitCode !== null || this.process.signalCode !== null);
  }
}

const profiled = (folder: string | undefined): string[] => (folder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', folder]);

export class DataWorker extends Child {
  /** `bin/worker` with its blocks in `folder`; resolves when masters tell of it. */
  static async start(masters: readonly string[], folder: string, quota: string, profileFolder?: string): Promise<DataWorker> {
    const [rpcPort, webPort] = await freePorts(2);
    mkdirSync(folder, { recursive: true });
    const settings = {
      'master.rpc.addresses': masters.join(','),
      'worker.hostname': '127.0.0.1',
      'worker.bind.host': '127.0.0.1',
      'worker.rpc.port': String(rpcPort),
      'worker.web.port': String(webPort),
      'worker.tieredstore.level0.dirs.path': path.join(folder, 'blocks'),
      'worker.ramdisk.size': quota,
    };
    const program = [YOUNG_HEAP, ...profiled(profileFolder), path.join(ROOT, 'bin', 'understudy'), 'worker', ...flags(folder, settings)];
    const env = { ...process.env, UV_THREADPOOL_SIZE: '16' };
    const worker = new DataWorker(spawn(process.execPath, program, { env, stdio: 'ignore' }));
    await using fs = await FileSystem.connect({ masters });
    const isKnown = async () => (await toldPlaces(fs.client).workers()).some(({ freeBytes }) => freeBytes > 0);
    await waitUntil('the master knows the worker', isKnown, START_LIMIT_MS);
    return worker;
  }
}

export class DataClient extends Child {
  static start(profileFolder?: string): DataClient {
    return new DataClient(
      fork(path.join(import.meta.dirname, 'data-client-process.js'), { execArgv: [YOUNG_HEAP, ...profiled(profileFolder)] }),
    );
  }

  async measure(request: DataRequest): Promise<DataMeasured> {
    return (await askChild<DataAnswer>(this.process, request)).measured;
  }
}
