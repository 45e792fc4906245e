/**
 * Turns the user of a call into an identity: groups, and whether it is a superuser.
 *
 * The user who runs the masters is a superuser, and so is each member of the supergroup. Who the user is, is the connection's to say; today
 * it is what the call says (simple authentication).
 *
 * What is known is told at once. It is looked up anew after a time-out, during which the old answer is used for as long again; one that is
 * older waits for the look-up, and is used only if that fails. Bounds: users remembered, look-ups at once and waiting, time of each.
 */
import type { Clock } from '../base/clock.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { within } from '../base/wait.js';
import type { Identity } from '../metadata/access.js';
import type { GroupMapping } from './group-mapping.js';

export interface IdentitySettings {
  /** Without it everybody may do anything. */
  readonly permissionsEnabled: boolean;
  /** Runs the masters: a superuser. */
  readonly owner: string;
  /** Its members are superusers. */
  readonly supergroup: string;
  /** How long a user's groups are taken for new. */
  readonly groupsTimeoutMs: number;
}

export interface IdentityDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly groups: GroupMapping;
}

interface Known {
  /** Null: the look-up failed, and there was none before. */
  readonly identity: Identity | null;
  /** Why the last look-up failed, where it did. */
  readonly error: UnderstudyError | null;
  /** Monotonic: until then nothing is looked up. */
  readonly newUntilMs: number;
}

const USERS_MAX = 10_000;
/** Users whose groups are being looked up, or are to be. */
const LOOKUPS_MAX = 1024;
const LOOKUPS_AT_ONCE = 8;
const LOOKUP_LIMIT_MS = 5_000;
/** From a look-up that failed to the next one of that user. */
const FAILURE_PAUSE_MS = 1_000;

/** In whose name the master itself acts. */
export const MASTER_IDENTITY: Identity = { user: '', group: '', groups: new Set(), isSuperuser: true };

export class Identities {
  readonly #settings: IdentitySettings;
  readonly #deps: IdentityDeps;
  /** The one that was looked up longest ago first. */
  readonly #known = new Map<string, Known>();
  readonly #lookups = new Map<string, Promise<Identity>>();
  /** Starts those look-ups that wait for their turn. */
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(settings: IdentitySettings, deps: IdentityDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** @returns the user's identity if it is known; else `identify` finds it out. */
  known(user: string): Identity | null {
    const known = this.#known.get(user);
    if (known === undefined) return null;
    const ageMs = this.#deps.clock.monotonicMs() - known.newUntilMs;
    if (ageMs < 0) return known.identity;
    if (ageMs >= this.#settings.groupsTimeoutMs) return null;
    // Its failure is logged, and remembered.
    this.#lookUp(user).catch(() => {});
    return known.identity;
  }

  /** Looks the user up. @throws `unavailable`: it cannot be told, and was not known before. */
  async identify(user: string): Promise<Identity> {
    const known = this.#known.get(user);
    if (known === undefined || this.#deps.clock.monotonicMs() >= known.newUntilMs) return this.#lookUp(user).catch(cannotTell);
    if (known.identity !== null) return known.identity;
    return cannotTell(known.error);
  }

  #lookUp(user: string): Promise<Identity> {
    const running = this.#lookups.get(user);
    if (running !== undefined) return running;
    if (this.#lookups.size >= LOOKUPS_MAX) {
      return Promise.reject(new UnderstudyError('unavailable', `too many users are being looked up: users=${this.#lookups.size}`));
    }
    const lookup = this.#ask(user).finally(() => this.#lookups.delete(user));
    this.#lookups.set(user, lookup);
    return lookup;
  }

  async #ask(user: string): Promise<Identity> {
    const { clock, log, groups } = this.#deps;
    if (this.#running >= LOOKUPS_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      const found = await within(clock, LOOKUP_LIMIT_MS, groups.groupsOf(user), `the look-up took too long: user=${user}`);
      const identity = this.#identityOf(user, found);
      this.#remember(user, identity, null, this.#settings.groupsTimeoutMs);
      return identity;
    } catch (thrown) {
      const error = asError(thrown);
      log.warn({ user, error }, 'the groups of a user cannot be told');
      // What a superuser by name may do follows from no group.
      const bare = this.#identityOf(user, []);
      const identity = this.#known.get(user)?.identity ?? (bare.isSuperuser ? bare : null);
      this.#remember(user, identity, error, FAILURE_PAUSE_MS);
      if (identity === null) throw error;
      return identity;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #identityOf(user: string, groups: readonly string[]): Identity {
    const { permissionsEnabled, owner, supergroup } = this.#settings;
    const isSuperuser = !permissionsEnabled || user === owner || groups.includes(supergroup);
    return { user, group: groups[0] ?? '', groups: new Set(groups), isSuperuser };
  }

  #remember(user: string, identity: Identity | null, error: UnderstudyError | null, forMs: number): void {
    this.#known.delete(user);
    this.#known.set(user, { identity, error, newUntilMs: this.#deps.clock.monotonicMs() + forMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > USERS_MAX && oldest !== undefined) this.#known.delete(oldest);
  }
}

function cannotTell(cause: unknown): never {
  throw new UnderstudyError('unavailable', `the groups of the user cannot be told: ${asError(cause).message}`, { cause });
}
