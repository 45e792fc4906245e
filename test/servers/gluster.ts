/**
 * A GlusterFS volume with default options, mounted twice through FUSE: how two masters on two hosts see one folder. Its caches are the adversary
 * that a journal on shared storage has to bear.
 *
 * The servers live in name spaces of their own (network, processes, mounts): nothing of the machine's own GlusterFS is touched, no port of it is
 * taken, and all of it ends with one process. The clients are processes of the machine's, in the servers' network. Needs root.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { mountsBelow, unmountBelow } from './mounts.js';
import { type OwnFolder, ownFolder } from './own-folder.js';
import { killProcess, startProcess } from './processes.js';
import type { ServerHost } from './server-program.js';
import { waitUntil } from './wait-until.js';

const NEEDED = ['glusterd', 'gluster', 'glusterfs', 'ip', 'nsenter', 'setpriv', 'unshare', 'mount', 'umount'];
const START_LIMIT_MS = 60_000;
const COMMAND_LIMIT_MS = 30_000;
/** Of the servers' own network; nobody else can reach it. */
const ADDRESS = '10.255.255.1';

/**
 * Run as the first process of the name spaces: what a server keeps under fixed names goes to the folder `$1`, or to memory. `$2`: megabytes of
 * the disk, or 0. `$3`: the address that it gives its network; empty where the network is there already.
 */
const SERVERS = `
set -e
mount -t tmpfs understudy-test /run && mkdir -p /run/gluster
for at in lib/glusterd log/glusterfs; do mkdir -p "$1/$at" "/var/$at" && mount --bind "$1/$at" "/var/$at"; done
if [ -n "$3" ]; then ip link set lo up && ip addr add "$3/32" dev lo; fi
mkdir -p "$1/disk"
if [ "$2" != 0 ]; then mount -t tmpfs -o "size=$2m" understudy-test "$1/disk"; fi
# Not by exec: the first process has to wait for bricks that are killed, which glusterd takes to run for as long as nobody has.
glusterd --no-daemon &
wait $!
`;

/** @returns what this machine lacks to run GlusterFS; undefined where it can. */
export function whatGlusterLacks(): string | undefined {
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

export interface VolumeOptions {
  /** For a volume that can be filled, in memory. */
  readonly megabytes?: number;
  /** What the servers run on; without it they have a network of their own. */
  readonly host?: ServerHost;
  /** Hosts that mount it, at least two, where the servers have one. */
  readonly clients?: readonly ServerHost[];
}

export class GlusterVolume implements AsyncDisposable {
  /** The volume as its clients see it. */
  readonly mounts: readonly [string, string, ...string[]];
  readonly #folder: string;
  readonly #address: string;
  readonly #servers: ChildProcess;
  readonly #own: OwnFolder;
  readonly #clients: { readonly child: ChildProcess; readonly at: string }[] = [];

  private constructor(own: OwnFolder, { megabytes = 0, host, clients = [] }: VolumeOptions) {
    const folder = own.path;
    this.#own = own;
    this.#folder = folder;
    const [first, second, ...others] = clients.map((_, index) => path.join(folder, `m${index + 1}`));
    this.mounts = [first ?? path.join(folder, 'm1'), second ?? path.join(folder, 'm2'), ...others];
    this.#address = host?.address ?? ADDRESS;
    const args = [
      ...(host === undefined ? ['--net'] : []),
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
      host === undefined ? ADDRESS : '',
    ];
    const [program = '', ...rest] = [...(host?.wrapper ?? []), 'unshare', ...args];
    this.#servers = this.#spawn(program, rest, 'servers');
  }

  /** Removes what killed test runs left, then starts the servers, makes the volume and mounts it. */
  static async start(options: VolumeOptions = {}): Promise<GlusterVolume> {
    const lack = whatGlusterLacks();
    if (lack !== undefined) throw new Error(`GlusterFS cannot be run, this machine lacks ${lack}`);
    const volume = new GlusterVolume(ownFolder('gluster'), options);
    try {
      await volume.#make();
      const enterNetwork = ['nsenter', `--net=/proc/${volume.#first()}/ns/net`];
      await Promise.all(volume.mounts.map((at, index) => volume.#mount(at, options.clients?.[index]?.wrapper ?? enterNetwork)));
      return volume;
    } catch (cause) {
      const error = new Error(`GlusterFS did not start: ${cause}\n${volume.logs()}`, { cause });
      await volume.close();
      throw error;
    }
  }

  /** Where the volume's data is kept, as seen from outside its name spaces. */
  get disk(): string {
    return path.join(`/proc/${this.#first()}/root`, this.#folder, 'disk');
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
      ['create', 'journal', `${this.#address}:${this.#folder}/disk/brick`, 'force'],
      ['start', 'journal'],
    ]) {
      const { status, stdout, stderr } = this.#gluster('volume', ...args);
      if (status !== 0) throw new Error(`gluster volume ${args.join(' ')}: ${stdout}${stderr}`);
    }
  }

  /** Mounts as mount.glusterfs does, but keeps the client a child of this process. */
  async #mount(at: string, wrapper: readonly string[]): Promise<void> {
    mkdirSync(at);
    const client = ['glusterfs', '--no-daemon', '--process-name', 'fuse', `--volfile-server=${this.#address}`, '--volfile-id=/journal'];
    const [program = '', ...rest] = [...wrapper, ...client, `--log-file=${at}-client.log`, at];
    const child = this.#spawn(program, rest, path.basename(at));
    this.#clients.push({ child, at });
    await waitUntil(`${at} is mounted`, () => isAlive(child) && mountsBelow(at).length > 0, START_LIMIT_MS);
  }

  /** SIGKILL of the process that keeps the data; waits until it is gone. */
  async killBrick(): Promise<void> {
    this.#signalBrick('SIGKILL');
    await waitUntil('the brick is gone', () => this.#brick() === undefined);
  }

  /** Starts the process that keeps the data, if it does not run, and waits until it does. */
  async startBrick(): Promise<void> {
    this.#gluster('volume', 'start', 'journal', 'force');
    await waitUntil('the brick runs', () => this.#brick() !== undefined, START_LIMIT_MS);
  }

  /** Connections stay open and nothing is answered. */
  pauseBrick(): void {
    this.#signalBrick('SIGSTOP');
  }

  resumeBrick(): void {
    this.#signalBrick('SIGCONT');
  }

  #signalBrick(signal: NodeJS.Signals): void {
    const brick = this.#brick();
    if (brick !== undefined) process.kill(brick, signal);
  }

  /** The process id, from outside the name spaces. */
  #brick(): number | undefined {
    const { stdout } = spawnSync('pgrep', ['--ns', String(this.#first()), '--nslist', 'pid', '--exact', 'glusterfsd'], {
      encoding: 'utf8',
    });
    const [pid] = stdout.split('\n').filter((line) => line !== '');
    return pid === undefined ? undefined : Number(pid);
  }

  /** Bounded, whatever still has files open there. Idempotent. */
  async close(): Promise<void> {
    for (const { child, at } of this.#clients.splice(0)) {
      unmountBelow(at);
      await killProcess(child);
    }
    await killProcess(this.#servers);
    this.#own.remove();
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

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
