/**
 * How far the load has come: a bar on a terminal, else a line for each tenth.
 */
import { type Options, SingleBar } from 'cli-progress';

export interface Progress {
  update(done: number): void;
  /** Something happened that is worth telling on the way. */
  note(text: string): void;
  /** Idempotent. */
  end(): void;
}

const BAR: Options = {
  format: '  {bar} {percentage}%  {value}/{total}  {note}',
  barCompleteChar: '█',
  barIncompleteChar: '░',
  barsize: 32,
  hideCursor: null,
  stream: process.stdout,
};

/** @param print prints a line where there is no terminal. */
export function startProgress(total: number, print: (line: string) => void): Progress {
  return process.stdout.isTTY ? barProgress(total) : lineProgress(total, print);
}

function barProgress(total: number): Progress {
  const bar = new SingleBar(BAR);
  bar.start(total, 0, { note: '' });
  return {
    update: (done) => bar.update(done),
    note: (note) => bar.update({ note }),
    end: () => bar.stop(),
  };
}

function lineProgress(total: number, print: (line: string) => void): Progress {
  let tenths = 0;
  return {
    update(done) {
      const reached = Math.floor((10 * done) / total);
      if (reached <= tenths) return;
      tenths = reached;
      print(`  ${String(10 * tenths).padStart(3)}%  ${done}/${total}`);
    },
    note: (text) => print(`        ${text}`),
    end: () => {},
  };
}
