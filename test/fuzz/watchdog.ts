/**
 * Ends this process when one input takes longer than anything could, after it has said which: a loop that never ends leaves no other thread to
 * say so. The input stands in memory that a thread of its own reads.
 */
import { Worker } from 'node:worker_threads';

const INPUT_BYTES_MAX = 1 << 21;
/** Number of the input, its length, that of the target's name, then both. */
const HEADER_BYTES = 12;
const LIMIT_MS = 30_000;

const PROGRAM = `
  const { workerData: { shared, limitMs, file } } = require('node:worker_threads');
  const { writeFileSync, writeSync } = require('node:fs');
  const header = new Int32Array(shared, 0, 3);
  let seen = -1, since = 0;
  setInterval(() => {
    const now = Atomics.load(header, 0);
    if (now !== seen || now % 2 === 0) { seen = now; since = Date.now(); return; }
    if (Date.now() - since < limitMs) return;
    const bytes = Buffer.from(shared, 12);
    const name = bytes.toString('utf8', 0, header[2]);
    writeFileSync(file, bytes.subarray(header[2], header[2] + header[1]));
    writeSync(2, 'hang: target=' + name + ' bytes=' + header[1] + ' input=' + file + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 500);
`;

export class Watchdog implements AsyncDisposable {
  readonly #shared = new SharedArrayBuffer(HEADER_BYTES + INPUT_BYTES_MAX);
  readonly #header = new Int32Array(this.#shared, 0, 3);
  readonly #bytes = Buffer.from(this.#shared, HEADER_BYTES);
  readonly #worker: Worker;

  /** @param file where the input goes that never ends. */
  constructor(file: string) {
    this.#worker = new Worker(PROGRAM, { eval: true, workerData: { shared: this.#shared, limitMs: LIMIT_MS, file } });
    this.#worker.unref();
  }

  /** The number is odd while an input is being tried. */
  async watch<T>(target: string, input: Buffer, trial: () => Promise<T>): Promise<T> {
    const nameBytes = this.#bytes.write(target, 0);
    this.#header[1] = input.copy(this.#bytes, nameBytes);
    this.#header[2] = nameBytes;
    Atomics.add(this.#header, 0, 1);
    try {
      return await trial();
    } finally {
      Atomics.add(this.#header, 0, 1);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
