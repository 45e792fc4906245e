/**
 * Candidates and directories on a real ZooKeeper, each behind a proxy of its own, so that one can be cut off.
 */
import { silentLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/system-clock.js';
import { systemRandom } from '../../src/base/system-random.js';
import type { ElectionEvent } from '../../src/election/election.js';
import { ZooKeeperDirectory } from '../../src/election/zookeeper-directory.js';
import { ZooKeeperElection } from '../../src/election/zookeeper-election.js';
import { ZooKeeperSession } from '../../src/election/zookeeper-session.js';
import { tcpNetwork } from '../../src/rpc/tcp-network.js';
import { TcpProxy } from '../servers/tcp-proxy.js';
import { waitUntil } from '../servers/wait-until.js';

export const SESSION_TIMEOUT_MS = 1_000;
export const deps = { clock: systemClock, random: systemRandom, log: silentLog, network: tcpNetwork };

export class ZooKeeperWorld implements AsyncDisposable {
  readonly #servers: string;
  readonly #closers: (() => Promise<void>)[] = [];
  #made = 0;

  /** @param servers with a chroot of its own for each test. */
  constructor(servers: string) {
    this.#servers = servers;
  }

  get chroot(): string {
    return this.#servers.slice(this.#servers.indexOf('/'));
  }

  readonly paths = { electionPath: '/understudy/election', leaderPath: '/understudy/leader' };

  settings(servers = this.#servers, clusterId = 'production') {
    return { servers, sessionTimeoutMs: SESSION_TIMEOUT_MS, answerTimeoutMs: 5_000, clusterId, ...this.paths };
  }

  /** A candidate behind a proxy, not joined yet. */
  async candidate(rpcAddress = `127.0.0.1:${++this.#made}`, clusterId = 'production') {
    const strangers: string[] = [];
    const proxy = await TcpProxy.start(this.#servers.split(/[,/]/)[0] ?? '');
    const election = await ZooKeeperElection.open(this.settings(`${proxy.address}${this.chroot}`, clusterId), deps, (error) =>
      strangers.push(error.message),
    );
    this.#closers.push(async () => {
      proxy.thaw();
      proxy.cut();
      await election.close();
      await proxy.close();
    });
    const events: ElectionEvent['type'][] = [];
    return {
      election,
      strangers,
      proxy,
      rpcAddress,
      events,
      isElected: () => events.at(-1) === 'elected',
      join: () => election.join(rpcAddress, ({ type }) => events.push(type)),
      kill: async () => proxy.freeze(),
      loseSession: async () => {
        await using directory = await this.directory();
        proxy.freeze();
        await waitUntil('its session has ended', async () => !(await directory.candidates()).includes(rpcAddress));
        proxy.thaw();
        proxy.cut();
      },
    };
  }

  directory(): Promise<ZooKeeperDirectory> {
    return ZooKeeperDirectory.open(this.settings(), deps);
  }

  /** A bare session, to look and to meddle. */
  async session(): Promise<ZooKeeperSession> {
    let connected = () => {};
    const ready = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const session = new ZooKeeperSession(this.settings(), deps, { connected, lost() {}, changed() {} });
    this.#closers.push(() => session.close());
    await ready;
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }
}
