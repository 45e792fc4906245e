/**
 * Real masters, each a process of its own, over one journal in one folder.
 */
import type { ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { FileSystem, type MasterInfo } from '../src/cli/understudy.js';
import { transferLeader } from '../src/client/transfer-leader.js';
import { operations } from '../src/metadata/operations.js';
import { freePorts } from '../test/servers/ports.js';
import { killProcess, startProcess } from '../test/servers/processes.js';
import { waitUntil } from '../test/servers/wait-until.js';
import { cpuSeconds } from './cpu-seconds.js';
import type { Place } from './load.js';
import { type ResidentMemory, residentMemory } from './resident-memory.js';
import { type LongestTurns, longestTurns } from './turns.js';

/** As the first line of `bin/master` has it; the client that makes the load gets it too. */
export const YOUNG_HEAP = '--max-semi-space-size=32';
/** From there, too. */
const THREADS = 'UV_THREADPOOL_SIZE=16';

export interface ClusterSettings {
  /** A new folder is made in it. */
  readonly parent: string;
  readonly masters: number;
  readonly zookeeper?: { readonly address: string; readonly sessionTimeoutMs: number };
  readonly profileFolder?: string;
  /** For all masters, without the prefix `understudy.`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Masters write down long turns of their event loops: `MasterProcess.longestTurns`. */
  readonly watchesTurns?: boolean;
  /** The journal is there already. */
  readonly isFormatted?: boolean;
}

/** Root of the checkout: this file runs from dist-bench/bench. */
export const ROOT = path.resolve(import.meta.dirname, '..', '..');
const START_LIMIT_MS = 120_000;
const ANSWER_LIMIT_MS = 5_000;

export class Cluster implements AsyncDisposable {
  readonly masters: readonly MasterProcess[];
  /** For clients. */
  readonly place: Place;
  readonly #folder: string;
  readonly #fs: FileSystem;

  private constructor(folder: string, masters: readonly MasterProcess[], place: Place, fs: FileSystem) {
    this.#folder = folder;
    this.masters = masters;
    this.place = place;
    this.#fs = fs;
  }

  /** Formats a journal, starts the masters, and waits until one leads and the others follow. */
  static async start(settings: ClusterSettings): Promise<Cluster> {
    const folder = mkdtempSync(path.join(settings.parent, 'cluster-'));
    const ports = await freePorts(2 * settings.masters);
    const addresses = ports.slice(0, settings.masters).map((port) => `127.0.0.1:${port}`);
    const shared = { ...sharedSettings(folder, addresses, settings), ...settings.settings };
    if (settings.isFormatted !== true) await understudy(folder, ['format'], shared);
    const masters = addresses.map((address, index) => {
      const own = { 'master.rpc.port': String(ports[index]), 'master.web.port': String(ports[settings.masters + index]) };
      return new MasterProcess(path.join(folder, `master-${index}`), address, { ...shared, ...own }, settings);
    });
    const { zookeeper } = settings;
    const place = { masters: addresses, ...(zookeeper === undefined ? {} : { zookeeper: zookeeper.address }) };
    const cluster = new Cluster(folder, masters, place, await FileSystem.connect({ masters: addresses }));
    for (const master of masters) master.start();
    await cluster.ready();
    return cluster;
  }

  get journal(): string {
    return path.join(this.#folder, 'journal');
  }

  /** Runs a command of `bin/understudy`, with these settings only. */
  run(args: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<string> {
    return understudy(this.#folder, args, settings);
  }

  /** Waits until all masters have applied the same. @returns their digests as of that entry. Nothing may change meanwhile. */
  async digests(): Promise<readonly string[]> {
    let told: { sn: number; digest: string }[] = [];
    await waitUntil(
      'all masters have applied the same',
      async () => {
        const ask = ({ address }: MasterProcess) => this.#fs.client.ask(address, operations.digest, {}, { timeoutMs: ANSWER_LIMIT_MS });
        told = await Promise.all(this.masters.map(ask)).catch(() => []);
        return told.length === this.masters.length && new Set(told.map(({ sn }) => sn)).size === 1;
      },
      START_LIMIT_MS,
    );
    return told.map(({ digest }) => digest);
  }

  get first(): MasterProcess {
    return this.masters[0] as MasterProcess;
  }

  /** @returns how each master is, by its address. */
  async status(): Promise<ReadonlyMap<string, MasterInfo>> {
    return new Map((await this.#fs.masterInfo({ timeoutMs: ANSWER_LIMIT_MS })).map((info) => [info.address, info]));
  }

  /** Has the lead handed over to whichever standby is nearest. */
  async transfer(): Promise<void> {
    await transferLeader(this.#fs.client);
  }

  async leader(): Promise<MasterProcess | undefined> {
    const status = await this.status();
    return this.masters.find(({ address }) => status.get(address)?.state === 'ACTIVE');
  }

  /** Resolves when one leads and every other one follows close behind, and could lead at once. */
  async ready(): Promise<void> {
    await waitUntil(
      'a leader, and standbys that follow',
      async () => {
        for (const master of this.masters) master.mustRun();
        const infos = [...(await this.status()).values()];
        const leaders = infos.filter(({ state }) => state === 'ACTIVE').length;
        const standbys = infos.filter(({ state, lag, verified }) => state === 'PASSIVE' && lag < 1_000 && verified).length;
        return leaders === 1 && standbys === this.masters.length - 1;
      },
      START_LIMIT_MS,
    );
  }

  /** Of the first master. */
  async appliedSn(): Promise<number> {
    return (await this.status()).get(this.first.address)?.appliedSn ?? 0;
  }

  async close(): Promise<void> {
    await this.#fs.close();
    await Promise.all(this.masters.map((master) => master.stop('SIGTERM')));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export class MasterProcess {
  readonly address: string;
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #nodeFlags: readonly string[];
  #child: ChildProcess | undefined;

  constructor(
    folder: string,
    address: string,
    settings: Readonly<Record<string, string>>,
    { profileFolder, watchesTurns = false }: Pick<ClusterSettings, 'profileFolder' | 'watchesTurns'>,
  ) {
    mkdirSync(folder);
    this.#folder = folder;
    this.address = address;
    this.#settings = { ...settings, 'master.metastore.dir': path.join(folder, 'metastore') };
    const profile = profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder];
    this.#nodeFlags = [...profile, ...(watchesTurns ? ['--import', path.join(import.meta.dirname, 'turn-watch-process.js')] : [])];
  }

  /** Does nothing while it runs. */
  start(): void {
    if (this.#child !== undefined) return;
    const program = path.join(ROOT, 'bin/master');
    const settings = flags(path.dirname(this.#folder), this.#settings);
    const nodeFlags = this.#nodeFlags;
    if (nodeFlags.length === 0) this.#child = startProcess(program, settings, this.#log, this.#folder);
    else {
      const node = [THREADS, process.execPath, YOUNG_HEAP, ...nodeFlags];
      this.#child = startProcess('env', [...node, program, ...settings], this.#log, this.#folder);
    }
  }

  /** 0: it does not run. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get webPort(): number {
    return Number(this.#settings['master.web.port']);
  }

  /** @throws where it ended by itself, with the end of its log. */
  mustRun(): void {
    if (this.#child?.exitCode == null) return;
    throw new Error(`a master ended: ${readFileSync(this.#log, 'utf8').slice(-2_000)}`);
  }

  /** Resolves when the process is gone. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined) await killProcess(child, signal);
  }

  /** Removes what can be rebuilt from the journal. It must not run. */
  wipe(): void {
    rmSync(path.join(this.#folder, 'metastore'), { recursive: true, force: true });
  }

  /** What LevelDB has on disk. */
  storeBytes(): number {
    const folder = path.join(this.#folder, 'metastore');
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names.map((name) => statSync(path.join(folder, name))).reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
  }

  memory(): ResidentMemory {
    return residentMemory(this.#child?.pid ?? 0);
  }

  /** Of turns of its event loop that ended since then. */
  longestTurns(sinceUnixMs: number): LongestTurns {
    return longestTurns(this.#folder, sinceUnixMs);
  }

  /** Processor time that it has used so far, all threads together. */
  processorSeconds(): number {
    return cpuSeconds(this.#child?.pid ?? 0);
  }

  get #log(): string {
    return path.join(this.#folder, 'master.log');
  }
}

function sharedSettings(folder: string, addresses: readonly string[], { zookeeper }: ClusterSettings): Record<string, string> {
  const plain = {
    'master.hostname': '127.0.0.1',
    'master.bind.host': '127.0.0.1',
    'master.web.bind.host': '127.0.0.1',
    'master.rpc.addresses': addresses.join(','),
    'master.journal.folder': path.join(folder, 'journal'),
    // Only where one is measured: what else is measured has the machine for itself, and a replay the whole journal.
    'master.journal.checkpoint.enabled': 'false',
  };
  if (zookeeper === undefined) return plain;
  return {
    ...plain,
    'zookeeper.enabled': 'true',
    'zookeeper.address': zookeeper.address,
    'zookeeper.session.timeout': `${zookeeper.sessionTimeoutMs}ms`,
  };
}

async function understudy(folder: string, args: readonly string[], settings: Readonly<Record<string, string>>): Promise<string> {
  const command = [path.join(ROOT, 'bin/understudy'), ...args, ...flags(folder, settings)];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 64 << 20 });
  return stdout;
}

/** Flags for `settings` and for nothing else: the machine's own configuration file is left out. */
export function flags(folder: string, settings: Readonly<Record<string, string>>): string[] {
  writeFileSync(path.join(folder, 'understudy-site.properties'), '');
  return ['--conf', folder, ...Object.entries(settings).flatMap(([key, value]) => ['-D', `understudy.${key}=${value}`])];
}
