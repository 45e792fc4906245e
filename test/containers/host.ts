/**
 * Hosts as containers on a network of their own: each runs one program and can be killed, stopped, taken off the network, and cut off from
 * single others, in one direction or both.
 *
 * A host keeps its address and its disk whatever happens to it. All is gone when the network is closed, or this process ends: testcontainers' own way
 * of cleaning up is an image that could not be pulled everywhere.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { undoneAtExit } from '../servers/undone-at-exit.js';
import { waitUntil } from '../servers/wait-until.js';
import { IMAGE } from './engine.js';

const NETWORK_TRIES = 20;
const OUTPUT_SHOWN_MAX = 20_000;

type Client = Awaited<ReturnType<typeof getContainerRuntimeClient>>;
type Network = ReturnType<Client['network']['getById']>;
type Container = ReturnType<Client['container']['getById']>;

export class HostNetwork {
  readonly #client: Client;
  readonly #network: Network;
  readonly #name: string;
  readonly #prefix: string;
  readonly #containers: string[] = [];
  /** Removes the hosts and the network. Idempotent. */
  readonly close: () => void;

  static async make(): Promise<HostNetwork> {
    const client = await getContainerRuntimeClient();
    for (let left = NETWORK_TRIES; ; left--) {
      const prefix = `10.${randomInt(224, 240)}.${randomInt(256)}`;
      const name = `understudy-${prefix.replaceAll('.', '-')}`;
      try {
        const network = await client.network.create({ Name: name, Driver: 'bridge', IPAM: { Config: [{ Subnet: `${prefix}.0/24` }] } });
        return new HostNetwork(client, network, name, prefix);
      } catch (error) {
        if (left === 0 || !/overlap|already exists/i.test(String(error))) throw error;
      }
    }
  }

  private constructor(client: Client, network: Network, name: string, prefix: string) {
    this.#client = client;
    this.#network = network;
    this.#name = name;
    this.#prefix = prefix;
    this.close = undoneAtExit(() => {
      if (this.#containers.length > 0) docker('rm', '--force', '--volumes', ...this.#containers);
      docker('network', 'rm', network.id);
    });
  }

  /** @param number its last part: 2 to 254. */
  address(number: number): string {
    return `${this.#prefix}.${number}`;
  }

  async startHost(options: HostOptions): Promise<Host> {
    const container = await new HostContainer(this.#name, options, (id) => this.#containers.push(id)).start();
    return new Host(options, container, this.#client.container.getById(container.getId()), this.#network);
  }
}

function docker(...args: string[]): void {
  execFileSync('docker', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

export interface HostOptions {
  readonly name: string;
  readonly address: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Folders of this machine, at the same place there; those that end in `:ro` cannot be written. */
  readonly mounts: readonly string[];
}

class HostContainer extends GenericContainer {
  readonly #onCreated: (id: string) => void;

  constructor(network: string, { name, address, command, environment = {}, mounts }: HostOptions, onCreated: (id: string) => void) {
    super(IMAGE);
    this.#onCreated = onCreated;
    this.withName(`${network}-${name}`)
      .withNetworkMode(network)
      .withCommand([...command])
      .withEnvironment(environment);
    this.withAddedCapabilities('NET_ADMIN').withWaitStrategy(Wait.forListeningPorts());
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } } };
    this.hostConfig.Binds = mounts.map((mount) => `${mount.replace(/:ro$/, '')}:${mount}`);
  }

  protected override async containerCreated(id: string): Promise<void> {
    this.#onCreated(id);
  }
}

/** Which packets a cut takes: those that a host sends, those that it is sent, or both. */
export type Direction = 'out' | 'in' | 'both';
export const DIRECTIONS: readonly Direction[] = ['both', 'out', 'in'];

export class Host {
  readonly name: string;
  readonly address: string;
  readonly #started: StartedTestContainer;
  readonly #container: Container;
  readonly #network: Network;

  constructor({ name, address }: HostOptions, started: StartedTestContainer, container: Container, network: Network) {
    this.name = name;
    this.address = address;
    this.#started = started;
    this.#container = container;
    this.#network = network;
  }

  async isRunning(): Promise<boolean> {
    return (await this.#container.inspect()).State.Running;
  }

  /** SIGKILL to all that runs there; waits until it is gone, and its address with it. */
  async kill(): Promise<void> {
    await this.#container.kill();
    await waitUntil(`${this.name} is dead`, async () => !(await this.isRunning()));
  }

  /** Starts what was killed: same address, same disk. Cuts are gone. */
  async start(): Promise<void> {
    await this.#container.start();
  }

  /** No instruction runs there any more; its connections stay open. */
  async pause(): Promise<void> {
    await this.#container.pause();
  }

  async resume(): Promise<void> {
    await this.#container.unpause();
  }

  /** Pulls its network cable. */
  async unplug(): Promise<void> {
    await this.#network.disconnect({ Container: this.#container.id });
  }

  /** It has its address again. */
  async plug(): Promise<void> {
    const EndpointConfig = { IPAMConfig: { IPv4Address: this.address } };
    await this.#network.connect({ Container: this.#container.id, EndpointConfig });
  }

  /** Drops what goes to `others` (out), what comes from them (in), or both, without a word to either side, until `heal`. */
  async cutFrom(others: readonly Host[], direction: Direction): Promise<void> {
    const rules = others.flatMap(({ address }) => [
      ...(direction === 'in' ? [] : [`iptables -A OUTPUT -d ${address} -j DROP`]),
      ...(direction === 'out' ? [] : [`iptables -A INPUT -s ${address} -j DROP`]),
    ]);
    await this.#run(rules.join(' && '));
  }

  /** @throws where nothing was dropped: then it was no cut. */
  async heal(): Promise<void> {
    const rules = await this.#run('iptables -nvxL');
    await this.#run('iptables -F');
    const dropped = rules.split('\n').map((line) => /^\s*(\d+)\s+\d+\s+DROP\b/.exec(line)?.[1]);
    if (!dropped.some((packets) => Number(packets) > 0)) throw new Error(`nothing was dropped on ${this.name}: ${rules}`);
  }

  async #run(script: string): Promise<string> {
    const { exitCode, output } = await this.#started.exec(['sh', '-c', script]);
    if (exitCode !== 0) throw new Error(`${script} on ${this.name}: ${output}`);
    return output;
  }

  /** The end of what its program has printed, in all its runs. */
  async output(): Promise<string> {
    let rest: Buffer = await this.#container.logs({ stdout: true, stderr: true, tail: 1_000 });
    let text = '';
    // Pieces with a head of eight bytes each: which stream, and the length.
    while (rest.length >= 8) {
      const end = 8 + rest.readUInt32BE(4);
      text += rest.toString('utf8', 8, end);
      rest = rest.subarray(end);
    }
    return text.slice(-OUTPUT_SHOWN_MAX);
  }
}
