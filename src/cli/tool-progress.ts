/** How far a tool has come, on a terminal only, and beside what it prints. */
import { SingleBar } from 'cli-progress';

/** At most so often: drawing is not what the tool is for. */
const DRAWS_PER_SECOND = 10;

export class ToolProgress implements Disposable {
  readonly #bar: SingleBar | undefined;

  /** @param total sequence number, or bytes, that is the end as far as is known now. */
  constructor(what: string, total: number) {
    if (process.stderr.isTTY !== true) return;
    const format = `${what} {bar} {percentage}%  {value}/{total}`;
    this.#bar = new SingleBar({ format, fps: DRAWS_PER_SECOND, hideCursor: null, clearOnComplete: true, stream: process.stderr });
    this.#bar.start(total, 0);
  }

  update(done: number): void {
    if (this.#bar === undefined) return;
    if (done > this.#bar.getTotal()) this.#bar.setTotal(done);
    this.#bar.update(done);
  }

  [Symbol.dispose](): void {
    this.#bar?.stop();
  }
}
