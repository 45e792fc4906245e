/**
 * A real HAProxy (Debian's package) in front of masters: run on a configuration, asked for what it makes of its servers, and ended. A test that needs
 * one never skips: without a program `startHaproxy` fails and says what to install.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { runToEnd } from './finished-program.js';
import { type OwnFolder, ownFolder } from './own-folder.js';
import { RunningProgram } from './server-program.js';
import { waitUntil } from './wait-until.js';

/** A server of a back end, as HAProxy sees it now. */
export interface HaproxyServer {
  readonly backend: string;
  readonly name: string;
  /** `UP`, `DOWN`, `no check`, or a step between: `UP 1/3`. */
  readonly status: string;
  /** Of the last check: `L7OK`, `L7STS`, `L4CON`, and so on. */
  readonly check: string;
  readonly sessions: number;
}

/** @param config whole, with the ports to listen on. Starts one, and waits until it listens. @throws with its words where it refuses the configuration. */
export async function startHaproxy(config: string): Promise<Haproxy> {
  const own = ownFolder('haproxy');
  const haproxy = new Haproxy(own);
  writeFileSync(join(own.path, 'haproxy.cfg'), config);
  // The sections of several files are one configuration: a test asks, whatever the tested file says of that.
  writeFileSync(join(own.path, 'ask.cfg'), `global\n  stats socket ${join(own.path, 'ask.sock')} mode 600 level admin\n`);
  try {
    await haproxy.start();
  } catch (error) {
    await haproxy.close();
    throw error;
  }
  return haproxy;
}

export class Haproxy implements AsyncDisposable {
  readonly #own: OwnFolder;
  readonly #files: readonly string[];
  #program: RunningProgram | undefined;

  constructor(own: OwnFolder) {
    this.#own = own;
    this.#files = ['-f', join(own.path, 'haproxy.cfg'), '-f', join(own.path, 'ask.cfg')];
  }

  async start(): Promise<void> {
    const { code, err } = await runToEnd('haproxy', ['-c', ...this.#files]).catch((cause: unknown) => {
      throw new Error('no HAProxy for the tests: run scripts/install-test-servers as root, or "apt-get install haproxy"', { cause });
    });
    if (code !== 0) throw new Error(`haproxy refuses its configuration: ${err}`);
    // In the foreground, one process: what is ended is what was started.
    const program = new RunningProgram({ command: 'haproxy', args: ['-db', ...this.#files], folder: this.#own.path });
    this.#program = program;
    await waitUntil('haproxy answers', async () => {
      if (program.hasEnded()) throw new Error(`haproxy ended: ${program.output().slice(-2000)}`);
      return (await this.ask('show info').catch(() => '')) !== '';
    });
  }

  /** What it has printed: warnings, and what its `log stdout` says. */
  output(): string {
    return this.#program?.output() ?? '';
  }

  /** @returns the answer of its runtime interface, for example to `show servers state`. */
  ask(command: string): Promise<string> {
    const socket = connect(join(this.#own.path, 'ask.sock'), () => socket.write(`${command}\n`));
    return text(socket);
  }

  async servers(): Promise<readonly HaproxyServer[]> {
    const [head = '', ...lines] = (await this.ask('show stat')).split('\n');
    const names = head.replace(/^# /, '').split(',');
    const rows = lines.filter((line) => line !== '').map((line) => new Map(line.split(',').map((value, at) => [names[at], value])));
    return rows
      .filter((row) => row.get('type') === '2')
      .map((row) => ({
        backend: row.get('pxname') ?? '',
        name: row.get('svname') ?? '',
        status: row.get('status') ?? '',
        check: row.get('check_status') ?? '',
        sessions: Number(row.get('scur')),
      }));
  }

  /** Waits until exactly these servers of `backend` are up. */
  async waitUntilUp(backend: string, names: readonly string[], limitMs?: number): Promise<void> {
    const wanted = [...names].sort().join(' ');
    const isSo = async () => {
      const up = (await this.servers()).filter((server) => server.backend === backend && server.status.startsWith('UP'));
      const found = up.map(({ name }) => name).sort();
      return found.join(' ') === wanted;
    };
    await waitUntil(`haproxy holds ${wanted || 'no server'} of ${backend} for up`, isSo, limitMs);
  }

  async close(): Promise<void> {
    await this.#program?.kill();
    this.#own.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
