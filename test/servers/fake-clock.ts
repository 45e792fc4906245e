/** What one process is told of the time: libfaketime moves it, and leaves monotonic time alone. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ownFolder } from './own-folder.js';

const LIBRARIES = '/usr/lib';
const LIBRARY = path.join('faketime', 'libfaketime.so.1');

export class FakeClock {
  /** For the process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Idempotent. */
  readonly close: () => void;
  readonly #file: string;

  constructor() {
    const library = readdirSync(LIBRARIES)
      .map((name) => path.join(LIBRARIES, name, LIBRARY))
      .find((file) => existsSync(file));
    if (library === undefined) throw new Error(`${LIBRARY} is not installed below ${LIBRARIES}: run scripts/install-test-servers`);
    const folder = ownFolder('clock');
    this.close = () => folder.remove();
    this.#file = path.join(folder.path, 'offset');
    this.set('+0');
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** @param offset as libfaketime takes it: `+1d`, `-1d`, `+0`. */
  set(offset: string): void {
    writeFileSync(this.#file, offset);
  }
}
