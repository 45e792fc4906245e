/**
 * Looks at storage before it is mounted, or reached by other options, and at files before they go with their mount point: outside of the plan,
 * which then decides by itself. What the plan would refuse is not looked at, so nobody probes storage who may not mount it.
 */
import type { Clock } from '../base/clock.js';
import { asError, isError, UnderstudyError } from '../base/errors.js';
import { within } from '../base/wait.js';
import { mountPlace } from '../metadata/mount-place.js';
import { type Mount, mountOf } from '../metadata/mounts.js';
import { operations } from '../metadata/operations.js';
import type { EntryBody, NamespaceSettings } from '../metadata/plan.js';
import { refusal } from '../metadata/refusals.js';
import { recordedOutcome } from '../metadata/sessions.js';
import type { State } from '../metadata/state.js';
import type { UnderStores } from '../underfs/under-stores.js';
import type { Submission } from './leadership.js';
import type { Replica } from './replica.js';
import { checkedUnmount } from './unmount-check.js';

export interface MountCheckDeps {
  readonly underStores: UnderStores;
  readonly clock: Clock;
}

const LOOK_MAX_MS = 10_000;
const LOOKS_MAX = 16;

export class MountCheck {
  readonly #settings: NamespaceSettings;
  readonly #deps: MountCheckDeps;
  #looks = 0;

  constructor(settings: NamespaceSettings, deps: MountCheckDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** @returns whether the operation is planned only after a look. */
  concerns(method: number): boolean {
    const { mount, updateMount, unmount } = operations;
    return method === mount.method || method === updateMount.method || method === unmount.method;
  }

  /** @returns what is to be submitted. @throws the refusal: the storage cannot be reached, is not there, or would be hidden. */
  async look(method: number, submission: Submission, replica: Replica): Promise<Submission> {
    const { state } = replica;
    const entry = this.#planned(submission, state);
    if (method === operations.unmount.method) {
      return await this.#counted(() => checkedUnmount(submission, entry?.unmount?.mountId ?? 0, { replica, clock: this.#deps.clock }));
    }
    const message = entry?.mount?.mount ?? entry?.updateMount?.mount;
    if (entry === null || !message) return submission;
    const mount = mountOf(message);
    const isSame = entry.updateMount && JSON.stringify(mount.options) === JSON.stringify(state.mounts.get(mount.id)?.options);
    if (!isSame) await this.#checkStorage(mount, entry, state);
    return submission;
  }

  async #checkStorage(mount: Mount, entry: EntryBody, state: State): Promise<void> {
    const enough = new AbortController();
    const looked = this.#counted(async () => {
      await this.#lookAt(mount, enough.signal);
      if (entry.mount) await this.#checkHidden(entry.path ?? '', state, enough.signal);
    });
    looked.catch(() => {});
    try {
      await within(this.#deps.clock, LOOK_MAX_MS, looked, `the storage to mount does not answer: uri=${mount.uri}`);
    } catch (thrown) {
      throw final(asError(thrown));
    } finally {
      enough.abort();
    }
  }

  async #counted<T>(look: () => Promise<T>): Promise<T> {
    if (this.#looks >= LOOKS_MAX) throw new UnderstudyError('resource_exhausted', `too much storage is looked at: looks=${this.#looks}`);
    this.#looks += 1;
    try {
      return await look();
    } finally {
      this.#looks -= 1;
    }
  }

  /** @returns what would be journaled; null where the call is refused, or was answered before. */
  #planned({ caller, plan }: Submission, state: State): EntryBody | null {
    try {
      if (caller === null || (!caller.sessionless && recordedOutcome(caller, state) !== null)) return null;
      const planned = plan(state, { timeMs: state.timeMs, clientId: caller.clientId, identity: caller.identity, settings: this.#settings });
      return 'entry' in planned ? planned.entry : null;
    } catch {
      return null;
    }
  }

  async #lookAt({ uri, options }: Mount, signal: AbortSignal): Promise<void> {
    try {
      await using store = await this.#deps.underStores.openOnce(uri, new Map(options.map(({ key, value }) => [key, value])));
      const root = await store.stat('', signal);
      if (root?.isDirectory !== true) throw new UnderstudyError('not_found', 'there is nothing');
    } catch (thrown) {
      const error = asError(thrown);
      throw new UnderstudyError(error.code, `the storage to mount cannot be used: uri=${uri}: ${error.message}`, { cause: error });
    }
  }

  /** @throws EEXIST: the storage of the mount above has something there, which nobody would see any longer. */
  async #checkHidden(path: string, state: State, signal: AbortSignal): Promise<void> {
    const above = mountPlace(path, state);
    if (above === null) return;
    const store = await this.#deps.underStores.of(above.mount);
    if ((await store.stat(above.under, signal)) === undefined) return;
    throw refusal('EEXIST', 'the storage mounted above has something there', path, `uri=${above.mount.uri}`);
  }
}

/** Storage that does not answer was given the time that it gets: whoever mounts it is told so now, rather than try for as long as masters are tried. */
function final(error: UnderstudyError): UnderstudyError {
  const isUnanswered = isError(error, 'unavailable') || isError(error, 'deadline_exceeded') || isError(error, 'outcome_unknown');
  return isUnanswered ? new UnderstudyError('failed_precondition', error.message, { cause: error }) : error;
}
