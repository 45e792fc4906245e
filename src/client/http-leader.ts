/**
 * Finds the master that serves, by HTTP alone, out of the URLs of the ensemble: all are asked at once, and the first to say so is taken, and
 * remembered until it fails. Who asks meanwhile shares the search.
 */
import type { Clock } from '../base/clock.js';
import { within } from '../base/wait.js';

const ANSWER_MS = 1_000;

export class HttpLeader {
  readonly #urls: readonly string[];
  readonly #clock: Clock;
  #base: string | null = null;
  #search: Promise<string | null> | null = null;

  /** @param urls `http://host:port`. */
  constructor(urls: readonly string[], clock: Clock) {
    this.#urls = urls;
    this.#clock = clock;
  }

  /** @returns the URL of the one that serves, as far as is known; null where none says so. */
  async find(): Promise<string | null> {
    if (this.#base !== null) return this.#base;
    this.#search ??= this.#ask().finally(() => {
      this.#search = null;
    });
    return await this.#search;
  }

  /** It was told where the leader is. */
  remember(base: string): void {
    this.#base = base;
  }

  /** What `base` said, or did not, shows that it does not serve. */
  forget(base: string): void {
    if (this.#base === base) this.#base = null;
  }

  async #ask(): Promise<string | null> {
    const enough = new AbortController();
    try {
      const first = Promise.any(this.#urls.map((url) => serves(url, enough.signal)));
      this.#base = await within(this.#clock, ANSWER_MS, first, 'no master answers');
      return this.#base;
    } catch {
      return null;
    } finally {
      enough.abort();
    }
  }
}

/** @returns `url`. @throws unless it serves as leader. */
async function serves(url: string, signal: AbortSignal): Promise<string> {
  const answer = await fetch(`${url}/health/leader`, { signal, redirect: 'manual' });
  await answer.body?.cancel();
  if (answer.status !== 200) throw new Error(`it does not lead: status=${answer.status}`);
  return url;
}
