/**
 * A GlusterFS volume with default options, mounted twice through FUSE: how two masters on two hosts see one folder. Its caches are the adversary
 * that a journal on shared storage has to bear.
 *
 * The servers live in name spaces of their own (network, processes, mounts): nothing of the machine's own GlusterFS is touched, no port of it is
 * taken, and all of it ends with one process. The clients are processes of the machine's, in the servers' network. Needs root.
 */
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe } from 'vitest';
import { killProcess, startProcess } from './processes.js';
import { waitUntil } from './wait-until.js';

const NEEDED = ['glusterd', 'gluster', 'glusterfs', 'ip', 'nsenter', 'setpriv', 'unshare', 'mount', 'umount'];
const PREFIX = 'understudy-gluster-';
const START_LIMIT_MS = 60_000;
const COMMAND_LIMIT_MS = 30_000;
/** Of the servers' own network; nobody else can reach it. */
const ADDRESS = '10.255.255.1';

/** Run as the first process of the name spaces: what a server keeps under fixed names goes to the folder `$1`, or to memory. `$2`: megabytes of the disk, or 0. */
const SERVERS = `
set -e
mount -t tmpfs understudy-test /run && mkdir -p /run/gluster
for at in lib/glusterd log/glusterfs; do mkdir -p "$1/$at" "/var/$at" && mount --bind "$1/$at" "/var/$at"; done
ip link set lo up && ip addr add ${ADDRESS}/32 dev lo
mkdir -p "$1/disk"
if [ "$2" != 0 ]; then mount -t tmpfs -o "size=$2m" understudy-test "$1/disk"; fi
exec glusterd --no-daemon
`;

/** @returns what this machine lacks to run GlusterFS; undefined where it can. */
function whatGlusterLacks(): string | undefined {
  if (process.platform !== 'linux') return 'Linux';
  if (process.getuid?.() !== 0) return 'root';
  if (!existsSync('/dev/fuse')) return '/dev/fuse';
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const missing = NEEDED.filter((name) => !folders.some((folder) => existsSync(path.join(folder, name))));
  if (missing.length > 0) return `${missing.join(', ')} (run scripts/install-test-servers)`;
  const { status, stderr } = spawnSync('unshare', [
    '--net',
    '--pid',
    '--mount',
    '--fork',
    'mount',
    '-t',
    'tmpfs',
    'understudy-test',
    '/run',
  ]);
  return status === 0 ? undefined : `the right to make name spaces and to mount in them (${String(stderr).trim()})`;
}

/** As `describe`; where the machine cannot run GlusterFS the tests are skipped, and both the name and a line on stderr say why. */
export function describeOnGluster(name: string, tests: () => void): void {
  const lack = whatGlusterLacks();
  if (lack === undefined) return void describe(name, tests);
  process.stderr.write(`SKIPPED: "${name}": GlusterFS cannot be run, this machine lacks ${lack}\n`);
  describe.skip(`${name} (SKIPPED: this machine lacks ${lack})`, tests);
}

export class GlusterVolume implements AsyncDisposable {
  readonly #folder: string;
  readonly #servers: ChildProcess;
  readonly #clients: { readonly child: ChildProcess; readonly at: string }[] = [];

  private constructor(folder: string, megabytes: number) {
    this.#folder = folder;
    const args = [
      '--net',
      '--pid',
      '--mount',
      '--mount-proc',
      '--fork',
      '--kill-child=SIGKILL',
      'bash',
      '-c',
      SERVERS,
      'bash',
      folder,
      String(megabytes),
    ];
    this.#servers = this.#spawn('unshare', args, 'servers');
  }

  /**
   * Removes what killed test runs left, then starts the servers, makes the volume and mounts it twice.
   *
   * @param options.megabytes for a volume that can be filled, in memory.
   */
  static async start({ megabytes = 0 }: { readonly megabytes?: number } = {}): Promise<GlusterVolume> {
    const lack = whatGlusterLacks();
    if (lack !== undefined) throw new Error(`GlusterFS cannot be run, this machine lacks ${lack}`);
    removeLeftOvers();
    const volume = new GlusterVolume(mkdtempSync(path.join(tmpdir(), `${PREFIX}${process.pid}-`)), megabytes);
    try {
      await volume.#make();
      await Promise.all([volume.#mount('m1'), volume.#mount('m2')]);
      return volume;
    } catch (cause) {
      const error = new Error(`GlusterFS did not start: ${cause}\n${volume.logs()}`, { cause });
      await volume.close();
      throw error;
    }
  }

  /** The volume as two hosts see it. */
  get mounts(): readonly [string, string] {
    return [path.join(this.#folder, 'm1'), path.join(this.#folder, 'm2')];
  }

  /** @returns the ends of all logs. */
  logs(): string {
    const folders = [this.#folder, ...['', 'bricks'].map((name) => path.join(this.#folder, 'log', 'glusterfs', name))];
    const files = folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : []));
    const logs = files.filter((file) => file.endsWith('.log'));
    return logs.map((file) => `--- ${path.relative(this.#folder, file)}\n${readFileSync(file, 'utf8').slice(-2000)}`).join('\n');
  }

  async #make(): Promise<void> {
    await waitUntil('glusterd answers', () => this.#gluster('volume', 'info').status === 0, START_LIMIT_MS);
    for (const args of [
      ['create', 'journal', `${ADDRESS}:${this.#folder}/disk/brick`, 'force'],
      ['start', 'journal'],
    ]) {
      const { status, stdout, stderr } = this.#gluster('volume', ...args);
      if (status !== 0) throw new Error(`gluster volume ${args.join(' ')}: ${stdout}${stderr}`);
    }
  }

  /** Mounts as mount.glusterfs does, but keeps the client a child of this process. */
  async #mount(name: string): Promise<void> {
    const at = path.join(this.#folder, name);
    mkdirSync(at);
    const client = ['glusterfs', '--no-daemon', '--process-name', 'fuse', `--volfile-server=${ADDRESS}`, '--volfile-id=/journal'];
    const log = `--log-file=${path.join(this.#folder, `${name}-client.log`)}`;
    const child = this.#spawn('nsenter', [`--net=/proc/${this.#first()}/ns/net`, ...client, log, at], name);
    this.#clients.push({ child, at });
    await waitUntil(`${at} is mounted`, () => isAlive(child) && mountsBelow(at).length > 0, START_LIMIT_MS);
  }

  /** Bounded, whatever still has files open there. Idempotent. */
  async close(): Promise<void> {
    for (const { child, at } of this.#clients.splice(0)) {
      unmountBelow(at);
      await killProcess(child);
    }
    await killProcess(this.#servers);
    unmountBelow(this.#folder);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends with this process, however that ends. */
  #spawn(command: string, args: readonly string[], name: string): ChildProcess {
    return startProcess('setpriv', ['--pdeathsig', 'KILL', command, ...args], path.join(this.#folder, `${name}.log`), this.#folder);
  }

  #gluster(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    if (!isAlive(this.#servers)) throw new Error('glusterd has ended');
    const enter = ['--target', String(this.#first()), '--net', '--mount', '--pid'];
    return spawnSync('nsenter', [...enter, 'gluster', '--mode=script', ...args], { encoding: 'utf8', timeout: COMMAND_LIMIT_MS });
  }

  /** The first process in the name spaces; 0 before there is one. */
  #first(): number {
    const { pid } = this.#servers;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  }
}

/** What this process, killed, would leave: a mount without its client, and a folder. */
function removeLeftOvers(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : Number.NaN;
    if (!(owner > 0) || existsSync(`/proc/${owner}`)) continue;
    const folder = path.join(tmpdir(), name);
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function mountsBelow(folder: string): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return points.map((line) => line.split(' ')[4] ?? '').filter((at) => at === folder || at.startsWith(`${folder}/`));
}

function unmountBelow(folder: string): void {
  for (const at of mountsBelow(folder)) execFileSync('umount', ['--lazy', at], { timeout: COMMAND_LIMIT_MS });
}
