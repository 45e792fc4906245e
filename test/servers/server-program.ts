/**
 * A server's program for tests: as a process of this machine, or in a container on it. Whoever starts one sees no difference: a container has
 * this machine's network, and the server's folder at the same place.
 *
 * Containers are taken where a Docker engine runs and has the image (scripts/build-test-images makes it). TEST_SERVERS=processes or
 * TEST_SERVERS=containers takes the one or the other whatever there is.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerRuntimeClient } from 'testcontainers';
import { killProcess, startProcess } from './processes.js';

export type Surroundings = 'process' | 'container';

/** A host that servers run on: this machine, or a network namespace of it. */
export interface ServerHost {
  readonly address: string;
  /** A program, with its arguments, that runs another one there. */
  readonly wrapper: readonly string[];
}

export const THIS_MACHINE: ServerHost = { address: '127.0.0.1', wrapper: [] };

export interface ServerProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Its working folder, where it keeps what it has; an absolute path. */
  readonly folder: string;
  /** Other folders that it uses. */
  readonly mounts?: readonly string[];
  /** Where a process runs, if not on this machine: see `ServerHost`. */
  readonly wrapper?: readonly string[];
  /** The image that has `command`, for a container. */
  readonly image: string;
}

export interface RunningProgram {
  hasEnded(): Promise<boolean>;
  /** What it has printed. */
  output(): Promise<string>;
  /** SIGSTOP: connections stay open and nothing is answered. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** SIGKILL; waits until it is gone. Idempotent. */
  kill(): Promise<void>;
}

const ENGINE_SOCKET = '/var/run/docker.sock';

/** @returns where servers of `image` run in this test run, those on `host`. */
export async function surroundingsFor(image: string, host: ServerHost = THIS_MACHINE): Promise<Surroundings> {
  if (host.wrapper.length > 0) return 'process';
  const { TEST_SERVERS: wanted, DOCKER_HOST: elsewhere } = process.env;
  if (wanted === 'processes' || wanted === 'containers') return wanted === 'processes' ? 'process' : 'container';
  if (wanted !== undefined) throw new Error(`TEST_SERVERS is processes or containers: ${wanted}`);
  if (elsewhere !== undefined || !existsSync(ENGINE_SOCKET)) return 'process';
  return (await hasImage(image)) ? 'container' : 'process';
}

async function hasImage(image: string): Promise<boolean> {
  const { getContainerRuntimeClient, ImageName } = await import('testcontainers');
  try {
    const { image: images } = await getContainerRuntimeClient();
    return await images.exists(ImageName.fromString(`${image}:latest`));
  } catch {
    return false; // the socket is there, and no engine answers
  }
}

export function startProgram(program: ServerProgram, where: Surroundings): Promise<RunningProgram> {
  return where === 'container' ? ContainerProgram.start(program) : Promise.resolve(new ProcessProgram(program));
}

class ProcessProgram implements RunningProgram {
  readonly #child: ChildProcess;
  readonly #log: string;

  constructor({ command, args, environment = {}, folder, wrapper = [] }: ServerProgram) {
    this.#log = join(folder, 'output.log');
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const [program = '', ...rest] = [...wrapper, 'env', ...variables, command, ...args];
    this.#child = startProcess(program, rest, this.#log, folder);
  }

  async hasEnded(): Promise<boolean> {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async output(): Promise<string> {
    return readFileSync(this.#log, 'utf8');
  }

  async pause(): Promise<void> {
    this.#child.kill('SIGSTOP');
  }

  async resume(): Promise<void> {
    this.#child.kill('SIGCONT');
  }

  kill(): Promise<void> {
    return killProcess(this.#child);
  }
}

/** Ended with this process at the latest: the image that testcontainers has for that could not be pulled everywhere. */
const living = new Set<string>();
process.once('exit', () => {
  if (living.size > 0) execFileSync('docker', ['rm', '--force', ...living], { stdio: 'ignore' });
});

type Container = Awaited<ReturnType<ContainerRuntimeClient['container']['create']>>;

class ContainerProgram implements RunningProgram {
  readonly #client: ContainerRuntimeClient;
  readonly #container: Container;
  #lastOutput = '';

  static async start({ command, args, environment = {}, folder, mounts = [], image }: ServerProgram): Promise<ContainerProgram> {
    const { getContainerRuntimeClient } = await import('testcontainers');
    const client = await getContainerRuntimeClient();
    const container = await client.container.create({
      Image: `${image}:latest`,
      Entrypoint: [command],
      Cmd: [...args],
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      WorkingDir: folder,
      HostConfig: { NetworkMode: 'host', Binds: [...new Set([folder, ...mounts])].map((path) => `${path}:${path}`) },
    });
    living.add(container.id);
    await client.container.start(container);
    return new ContainerProgram(client, container);
  }

  private constructor(client: ContainerRuntimeClient, container: Container) {
    this.#client = client;
    this.#container = container;
  }

  async hasEnded(): Promise<boolean> {
    if (!living.has(this.#container.id)) return true;
    return !(await this.#client.container.inspect(this.#container)).State.Running;
  }

  async output(): Promise<string> {
    if (living.has(this.#container.id)) this.#lastOutput = String(await this.#container.logs({ stdout: true, stderr: true }));
    return this.#lastOutput;
  }

  async pause(): Promise<void> {
    await this.#container.kill({ signal: 'SIGSTOP' });
  }

  async resume(): Promise<void> {
    await this.#container.kill({ signal: 'SIGCONT' });
  }

  async kill(): Promise<void> {
    if (!living.has(this.#container.id)) return;
    await this.output();
    await this.#container.remove({ force: true });
    living.delete(this.#container.id);
  }
}
