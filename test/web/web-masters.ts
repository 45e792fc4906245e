/** Masters over the memory twins, each with a real web port on this machine. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { type LevelledLog, silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { deferred } from '../../src/base/wait.js';
import { GENESIS } from '../../src/journal/journal.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import type { MemoryOperation } from '../../src/journal/memory-journal-store.js';
import type { Master } from '../../src/master/master.js';
import type { MasterSettings } from '../../src/master/master-settings.js';
import { encodeEntry } from '../../src/metadata/entries.js';
import { PromMetrics } from '../../src/telemetry/prom-metrics.js';
import type { WebLimits } from '../../src/web/web-port.js';
import { WebServer } from '../../src/web/web-server.js';
import { MemoryCluster } from '../master/memory-cluster.js';

export const READY_LAG_MAX_MS = 300;

export interface WebMaster {
  readonly master: Master;
  readonly web: WebServer;
}

export interface Answered {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

export class WebMasters {
  readonly cluster = new MemoryCluster();

  constructor() {
    onTestFinished(() => this.cluster.close());
  }

  async start(name: string, settings: Partial<MasterSettings> = {}, limits: Partial<WebLimits> = {}): Promise<WebMaster> {
    const logLevel = levelledLog();
    const web = await openWeb(limits, logLevel);
    const { master } = await this.cluster.start(name, undefined, { webAddress: `127.0.0.1:${web.port}`, ...settings }, 0, { logLevel });
    web.attach(master);
    return { master, web };
  }

  /** Holds up what the journal is asked for by masters, where `isHeld` says so, until `release` is called or the test ends. */
  hold(isHeld: (operation: MemoryOperation) => boolean): { release(): void } {
    const held = deferred<undefined>();
    const { journal } = this.cluster;
    journal.intercept = (operation) => (isHeld(operation) ? held.promise : undefined);
    const release = () => {
      journal.intercept = undefined;
      held.resolve(undefined);
    };
    onTestFinished(release);
    return { release };
  }

  /** Somebody claims whom no master knows of: a leader finds out when it asks the journal. */
  async supersede(): Promise<void> {
    const entry = (epoch: number) => ({
      bytes: encodeEntry({ timeMs: 1, claim: { epoch, host: 'intruder:1', owner: 'o', group: 'g' } }),
      timeMs: 1,
    });
    await MemoryJournal.open(this.cluster.journal, { name: 'intruder' }).claim({ from: GENESIS, entry, deliver() {} });
  }
}

/** A web port whose master is not there yet. */
export async function openWeb(limits: Partial<WebLimits> = {}, logLevel = levelledLog()): Promise<WebServer> {
  const settings = { ...limits, host: '127.0.0.1', port: 0, readyLagMaxMs: READY_LAG_MAX_MS };
  const web = await WebServer.open(settings, {
    clock: systemClock,
    log: silentLog,
    logLevel,
    metrics: new PromMetrics(systemClock),
    version: '0.0.0',
  });
  onTestFinished(() => web.close());
  return web;
}

function levelledLog(): LevelledLog {
  return { ...silentLog, level: 'info' };
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** @param target as it goes on the wire, byte for byte. */
export function ask(
  { port }: { readonly port: number },
  target: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: target, method, headers, agent: false }, async (response) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: await text(response) });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

export async function askJson(
  server: { readonly port: number },
  target: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const { status, body } = await ask(server, target);
  return { status, body: JSON.parse(body) };
}
