/**
 * The election without ZooKeeper: terms are files or objects beside the journal (term-store.ts), and whoever makes the next one is elected.
 *
 * - The holder of a term changes its page every eighth of the time-out. Others take the next term when they have seen no change for the
 *   time-out, counted on their own monotonic clock and only across prompt looks (a stalled store is nobody's death), or when the page says
 *   that the holder resigned, or when the holder's port refuses: that at most once per time-out, as a firewall can refuse for a living one.
 * - The holder learns that it is superseded when its term has a successor. Until then it stays elected, whatever the store does.
 * - Only exclusive creation decides; two elected candidates cost time, and the journal is what keeps the data.
 */
import { UnderstudyError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import type { Election, ElectionEvent, LeaderRecord } from './election.js';
import { type PortProbeDeps, watchPort } from './port-probe.js';
import type { HolderPage, Term, Terms } from './term-store.js';
import { WishLoop, type WishLoopDeps } from './wish-loop.js';

const POLL_INTERVAL_MS = 50;
const RENEWALS_PER_TIMEOUT = 8;
/** A refusal counts for so many looks. */
const REFUSAL_LOOKS = 4;
/** How many looks the others have before a candidate that went to the tail takes a term again. */
const TAIL_LOOKS = 10;
/** So many terms are kept. A candidate that slept through more of them could win an old one, which costs one needless election. */
const TERMS_KEPT = 64;
/** A candidate that starts from an old pointer walks at most so far in one step. */
const WALK_MAX = 1_000;
const LEAVE_WAIT_MS = 1_000;

export interface EmbeddedElectionSettings {
  /** A holder whose page did not change for so long is taken for dead. */
  readonly timeoutMs: number;
  /** How often candidates look: how long a resignation goes unseen. Default 50. */
  readonly pollIntervalMs?: number;
}

export interface EmbeddedElectionDeps extends WishLoopDeps, PortProbeDeps {
  readonly random: Random;
  /** Closed with the election. */
  readonly terms: Terms;
}

/** The term that this candidate holds. */
interface Holding {
  file: Term;
  readonly nonce: Buffer;
  counter: number;
  renewedMs: number;
}

/** The term that this candidate watches; without a file where the pointer names a term that is not found. */
interface Watching {
  readonly term: number;
  readonly file: Term | undefined;
  bytes: Buffer | undefined;
  holder: string | undefined;
  quietMs: number;
  lookedMs: number;
  refusedMs: number;
  readonly probe: AbortController;
  probing: boolean;
}

export class EmbeddedElection implements Election {
  readonly #settings: EmbeddedElectionSettings;
  readonly #deps: EmbeddedElectionDeps;
  readonly #pollMs: number;
  readonly #loop: WishLoop;
  #isPrepared = false;
  #candidate: { readonly rpcAddress: string; readonly report: (event: ElectionEvent) => void } | undefined;
  #joined = false;
  #closed = false;
  #holding: Holding | undefined;
  #watching: Watching | undefined;
  /** The term that is held is to be given up. */
  #wantsTail = false;
  #tailUntilMs = Number.NEGATIVE_INFINITY;
  #noRefusalUntilMs = Number.NEGATIVE_INFINITY;

  private constructor(settings: EmbeddedElectionSettings, deps: EmbeddedElectionDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#pollMs = settings.pollIntervalMs ?? POLL_INTERVAL_MS;
    this.#loop = new WishLoop(() => this.#step(), this.#pollMs, deps);
  }

  /** Does not wait for the store. */
  static async open(settings: EmbeddedElectionSettings, deps: EmbeddedElectionDeps): Promise<EmbeddedElection> {
    return new EmbeddedElection(settings, deps);
  }

  /** Called once `rpcAddress` is listened on: a port that refuses is a dead holder's. */
  join(rpcAddress: string, report: (event: ElectionEvent) => void): void {
    if (this.#joined) throw new UnderstudyError('failed_precondition', 'joined the election already');
    this.#joined = true;
    this.#candidate = { rpcAddress, report };
    this.#loop.look();
  }

  requeue(): Promise<void> {
    if (this.#holding !== undefined) this.#giveUp('went to the tail of the candidates');
    return this.#fulfilled(this.#settings.timeoutMs);
  }

  /** Clients ask the masters of their list: there is nowhere to publish. */
  async publish(_record: LeaderRecord): Promise<void> {}

  async withdraw(): Promise<void> {}

  /** Counts as a refusal of the holder's port: so no more than one in a time-out. */
  async expel(rpcAddress: string): Promise<boolean> {
    if (this.#watching?.holder === undefined) await this.#fulfilled(this.#settings.timeoutMs);
    const watching = this.#watching;
    if (watching?.holder !== rpcAddress || rpcAddress === this.#candidate?.rpcAddress) return false;
    watching.refusedMs = this.#deps.clock.monotonicMs();
    await this.#fulfilled(this.#settings.timeoutMs);
    return true;
  }

  async candidates(): Promise<readonly string[]> {
    const elected = this.#holding !== undefined ? this.#candidate?.rpcAddress : this.#watching?.holder;
    return elected === undefined ? [] : [elected];
  }

  async leave(): Promise<void> {
    this.#candidate = undefined;
    if (this.#closed) return;
    await this.#fulfilled(LEAVE_WAIT_MS).catch(() => {});
  }

  async close(): Promise<void> {
    await this.leave();
    this.#closed = true;
    await this.#loop.close();
    await this.#letGo();
    await this.#holding?.file.close();
    this.#holding = undefined;
    await this.#deps.terms.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #fulfilled(limitMs: number): Promise<void> {
    return this.#loop.fulfilled(limitMs, () => `the election's terms cannot be read: location=${this.#deps.terms.location}`);
  }

  async #step(): Promise<'done' | 'not now'> {
    if (this.#candidate === undefined && this.#holding === undefined) {
      await this.#letGo();
      return 'done';
    }
    if (!this.#isPrepared) await this.#deps.terms.prepare();
    this.#isPrepared = true;
    try {
      if (this.#holding !== undefined) await this.#hold(this.#holding);
      else await this.#watch();
    } catch (error) {
      // The descriptor may be worth nothing any more, and the folder may be gone.
      this.#isPrepared = false;
      if (this.#holding === undefined) await this.#letGo();
      else await this.#reopen(this.#holding);
      throw error;
    }
    return 'done';
  }

  async #hold(holding: Holding): Promise<void> {
    const { file, nonce } = holding;
    if (this.#wantsTail || this.#candidate === undefined) return this.#resign(holding);
    if (await file.hasSuccessor()) return this.#superseded(holding);
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - holding.renewedMs < this.#settings.timeoutMs / RENEWALS_PER_TIMEOUT) return;
    await file.writeHolder({ resigned: false, counter: holding.counter + 1, nonce, rpcAddress: this.#candidate?.rpcAddress ?? '' });
    holding.counter += 1;
    holding.renewedMs = nowMs;
    // A successor that died before it could say so.
    const next = await this.#deps.terms.find(file.term + 1);
    await next?.close();
    if (next !== undefined) await this.#superseded(holding);
  }

  async #reopen(holding: Holding): Promise<void> {
    const file = await this.#deps.terms.find(holding.file.term).catch(() => undefined);
    if (file === undefined) return;
    await holding.file.close().catch(() => {});
    holding.file = file;
  }

  async #resign(holding: Holding): Promise<void> {
    const { file, nonce, counter } = holding;
    await file.writeHolder({ resigned: true, counter: counter + 1, nonce, rpcAddress: this.#candidate?.rpcAddress ?? '' });
    this.#tailUntilMs = this.#deps.clock.monotonicMs() + this.#tailMs();
    this.#wantsTail = false;
    this.#holding = undefined;
    await file.close();
  }

  async #superseded(holding: Holding): Promise<void> {
    if (!this.#wantsTail) this.#report({ type: 'deposed', reason: `term ${holding.file.term + 1} was taken` });
    this.#wantsTail = false;
    // Whoever thought this one dead was wrong, and this one may be as wrong about it: no quick answer.
    this.#noRefusalUntilMs = this.#deps.clock.monotonicMs() + this.#settings.timeoutMs;
    this.#holding = undefined;
    await holding.file.close();
  }

  /** Looks at the newest term that is known, and takes the next one when its holder is gone. */
  async #watch(): Promise<void> {
    const watching = await this.#newestTerm();
    const nowMs = this.#deps.clock.monotonicMs();
    watching.quietMs += Math.min(nowMs - watching.lookedMs, 2 * this.#pollMs);
    watching.lookedMs = nowMs;
    const holder = await watching.file?.readHolder();
    if (holder !== undefined && (watching.bytes === undefined || !holder.bytes.equals(watching.bytes))) {
      watching.bytes = holder.bytes;
      watching.quietMs = 0;
    }
    watching.holder = holder?.page?.rpcAddress;
    if (holder?.page !== undefined) this.#probe(watching, holder.page);
    if (this.#mayTake(watching, holder?.page, nowMs)) await this.#take(watching);
  }

  #mayTake(watching: Watching, page: HolderPage | undefined, nowMs: number): boolean {
    if (watching.term === 0 || watching.quietMs >= this.#settings.timeoutMs) return true;
    if (nowMs < this.#tailUntilMs || page === undefined) return false;
    if (page.resigned) return true;
    if (nowMs - watching.refusedMs > REFUSAL_LOOKS * this.#pollMs || nowMs < this.#noRefusalUntilMs) return false;
    this.#noRefusalUntilMs = nowMs + this.#settings.timeoutMs;
    return true;
  }

  async #newestTerm(): Promise<Watching> {
    if (this.#watching?.file === undefined) {
      const known = this.#watching;
      const term = await this.#deps.terms.newest();
      const file = term === 0 ? undefined : await this.#deps.terms.find(term);
      if (known !== undefined && known.term === term && file === undefined) return known;
      await this.#follow(term, file);
    }
    for (let steps = 0; steps < WALK_MAX; steps++) {
      const watching = this.#watching;
      if (watching?.file === undefined || !(await watching.file.hasSuccessor())) break;
      const next = await this.#deps.terms.find(watching.term + 1);
      if (next === undefined) break;
      await this.#follow(next.term, next);
    }
    return this.#watching ?? this.#follow(0, undefined);
  }

  async #follow(term: number, file: Term | undefined): Promise<Watching> {
    await this.#letGo();
    const lookedMs = this.#deps.clock.monotonicMs();
    const watching = {
      term,
      file,
      bytes: undefined,
      holder: undefined,
      quietMs: 0,
      lookedMs,
      refusedMs: Number.NEGATIVE_INFINITY,
      probe: new AbortController(),
      probing: false,
    };
    this.#watching = watching;
    return watching;
  }

  async #letGo(): Promise<void> {
    const watching = this.#watching;
    this.#watching = undefined;
    watching?.probe.abort();
    await watching?.file?.close();
  }

  #probe(watching: Watching, page: HolderPage): void {
    if (watching.probing || page.resigned) return;
    watching.probing = true;
    // Who holds this candidate's own address is the process that had it before.
    if (page.rpcAddress === this.#candidate?.rpcAddress) {
      watching.refusedMs = Number.POSITIVE_INFINITY;
      return;
    }
    const refused = () => {
      watching.refusedMs = this.#deps.clock.monotonicMs();
      this.#loop.look();
    };
    void watchPort(page.rpcAddress, this.#pollMs, this.#deps, refused, watching.probe.signal);
  }

  async #take(watching: Watching): Promise<void> {
    const { terms, random, clock } = this.#deps;
    const before = watching.file;
    const term = before === undefined && watching.term > 0 ? watching.term : watching.term + 1;
    const nonce = Buffer.from(random.bytes(16));
    const page = { resigned: false, counter: 0, nonce, rpcAddress: this.#candidate?.rpcAddress ?? '' };
    const file = await terms.take(term, page, before);
    if (file === 'taken') {
      const other = await terms.find(term);
      if (other !== undefined) await this.#follow(term, other);
      return;
    }
    await this.#letGo();
    if (file === 'passed') return;
    this.#holding = { file, nonce, counter: 0, renewedMs: clock.monotonicMs() };
    this.#report({ type: 'elected' });
    if (term > TERMS_KEPT) await terms.remove(term - TERMS_KEPT);
    if (this.#candidate === undefined) this.#loop.look();
  }

  #giveUp(reason: string): void {
    if (this.#wantsTail) return;
    this.#wantsTail = true;
    this.#report({ type: 'deposed', reason });
  }

  #tailMs(): number {
    return Math.min(this.#settings.timeoutMs, TAIL_LOOKS * this.#pollMs);
  }

  #report(event: ElectionEvent): void {
    this.#candidate?.report(event);
  }
}
