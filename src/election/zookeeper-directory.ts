/**
 * Finds leader and candidates in ZooKeeper, for clients. Reads only, on a session of its own that lives as long as this does; made for a
 * command that asks once and goes, as well as for a client that stays.
 */
import { isError, UnderstudyError } from '../base/errors.js';
import { abortError, orAborted, sleep } from '../base/wait.js';
import type { LeaderDirectory, LeaderRecord } from './election.js';
import { childrenIfAny, decodeCandidate, decodeLeader, electionNodes, type ZooKeeperPaths } from './zookeeper-nodes.js';
import { ZooKeeperSession, type ZooKeeperSessionDeps, type ZooKeeperSessionSettings } from './zookeeper-session.js';

const RETRY_MS = 20;

export interface ZooKeeperDirectorySettings extends ZooKeeperSessionSettings, ZooKeeperPaths {
  /** How long one look may take, however often the connection breaks. */
  readonly answerTimeoutMs: number;
}

export class ZooKeeperDirectory implements LeaderDirectory {
  readonly #settings: ZooKeeperDirectorySettings;
  readonly #deps: ZooKeeperSessionDeps;
  readonly #session: ZooKeeperSession;
  readonly #closing = new AbortController();

  private constructor(settings: ZooKeeperDirectorySettings, deps: ZooKeeperSessionDeps, session: ZooKeeperSession) {
    this.#settings = settings;
    this.#deps = deps;
    this.#session = session;
  }

  /** Does not wait for the service. @throws `invalid_argument` as `ZooKeeperSession`. */
  static async open(settings: ZooKeeperDirectorySettings, deps: ZooKeeperSessionDeps): Promise<ZooKeeperDirectory> {
    const session = new ZooKeeperSession(settings, deps, { connected() {}, lost() {}, changed() {} });
    return new ZooKeeperDirectory(settings, deps, session);
  }

  async leaders(signal?: AbortSignal): Promise<readonly LeaderRecord[]> {
    const nodes = await this.#look(this.#settings.leaderPath, (names) => names, signal);
    const records = nodes.map(decodeLeader).filter((record) => record !== undefined);
    return records.sort((a, b) => b.epoch - a.epoch);
  }

  async candidates(signal?: AbortSignal): Promise<readonly string[]> {
    const inOrder = (names: readonly string[]) => electionNodes(names).map(({ name }) => name);
    const nodes = await this.#look(this.#settings.electionPath, inOrder, signal);
    return [...new Set(nodes.map((data) => decodeCandidate(data).rpcAddress))];
  }

  async close(): Promise<void> {
    this.#closing.abort(new UnderstudyError('cancelled', 'leader directory closed'));
    await this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @returns the contents of the nodes below `path` that `choose` names, in its order; tried again when the connection breaks. */
  async #look(path: string, choose: (names: readonly string[]) => readonly string[], outer?: AbortSignal): Promise<readonly Buffer[]> {
    const { clock } = this.#deps;
    const limit = new AbortController();
    const timer = clock.setTimer(this.#settings.answerTimeoutMs, () => limit.abort(this.#noAnswer()));
    const signal = AbortSignal.any([limit.signal, this.#closing.signal, ...(outer === undefined ? [] : [outer])]);
    try {
      for (;;) {
        await this.#session.connected(signal);
        try {
          return await orAborted(this.#readBelow(path, choose), signal);
        } catch (error) {
          if (signal.aborted) throw abortError(signal);
          if (!isError(error, 'unavailable')) throw error;
          await sleep(clock, RETRY_MS, signal);
        }
      }
    } finally {
      timer.cancel();
    }
  }

  async #readBelow(path: string, choose: (names: readonly string[]) => readonly string[]): Promise<readonly Buffer[]> {
    const names = choose(await childrenIfAny(this.#session, path));
    const nodes = await Promise.all(names.map((name) => this.#session.read(`${path}/${name}`)));
    return nodes.flatMap((node) => (node === undefined ? [] : [node.data]));
  }

  #noAnswer(): UnderstudyError {
    const { servers, answerTimeoutMs } = this.#settings;
    const cause = this.#session.failure;
    const why = cause === undefined ? '' : ` (${cause.message})`;
    return new UnderstudyError('unavailable', `zookeeper does not answer${why}: servers=${servers} after=${answerTimeoutMs}ms`, { cause });
  }
}
