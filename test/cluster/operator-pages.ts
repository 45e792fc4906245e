/**
 * Pages for operators (docs/operations/) as something to follow: their blocks ```console hold commands, each behind the host that it is typed on
 * (`m1$ bin/fsadmin doctor`), and what they printed. Followed anew, the commands run as they are written, by a shell in that host's
 * folder, beside the files of blocks ```yaml; only addresses and places differ, which are put in and taken out again. A line `…` stands for any lines.
 */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../servers/built.js';
import { runToEnd } from '../servers/finished-program.js';
import { freePorts } from '../servers/ports.js';
import { undoneAtExit } from '../servers/undone-at-exit.js';

interface Step {
  /** `m1` and so on. */
  readonly host: string;
  readonly command: string;
  /** As the page has it. */
  readonly printed: string;
}

const BLOCK = /^```console\n([\s\S]*?)^```$/gm;
/** A file that the page has its reader write: named in its first line. */
const FILE = /^```yaml\n# (\S+)\n([\s\S]*?)^```$/gm;
const PROMPT = /^(m\d)\$ (.+)$/;

/** @returns the commands of a page, in order. */
export function stepsOf(page: string): Step[] {
  return blocksOf(page).flatMap((block) => stepsIn(block));
}

function blocksOf(page: string): string[] {
  return [...page.matchAll(BLOCK)].map(([, block = '']) => block);
}

function stepsIn(block: string): Step[] {
  const steps: { host: string; command: string; printed: string }[] = [];
  for (const line of block.trimEnd().split('\n')) {
    const [, host, command] = PROMPT.exec(line) ?? [];
    const last = steps.at(-1);
    if (host !== undefined && command !== undefined) steps.push({ host, command, printed: '' });
    else if (last !== undefined) last.printed += `${line}\n`;
  }
  return steps.map((step) => ({ ...step, printed: ended(step.printed) }));
}

/** Without blank lines at the end: they part commands. */
function ended(printed: string): string {
  return printed.trim() === '' ? '' : `${printed.trimEnd()}\n`;
}

/** Follows `page`. @returns it with what was printed now, where that is something else than other numbers and times. */
export async function follow(page: string, hosts: OperatorHosts): Promise<string> {
  let followed = page;
  for (const [, name = '', content = ''] of page.matchAll(FILE)) for (const host of hosts.names) hosts.write(host, name, content);
  for (const block of blocksOf(page)) {
    const parts: string[] = [];
    for (const { host, command, printed } of stepsIn(block)) {
      const now = ended(await hosts.run(host, command));
      parts.push(`${host}$ ${command}\n${isLike(now, printed) ? printed : now}`);
    }
    // Commands that print nothing stand close together, others apart.
    const shown = parts.reduce(
      (all, part, at) => `${all}${at > 0 && (parts[at - 1] ?? '').trimEnd().includes('\n') ? '\n' : ''}${part}`,
      '',
    );
    followed = followed.replace(block, () => shown);
  }
  return followed;
}

/** @returns whether what was printed is what was shown, but for times, numbers, ids, the width of columns, and what `…` stands for. */
export function isLike(now: string, shown: string): boolean {
  const pattern = shown
    .split(/^…\n/m)
    .map((part) => masked(part).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('(?:.*\n)*');
  return new RegExp(`^${pattern}$`).test(masked(now));
}

/** A number alone in its line is an answer, as of HTTP. */
function masked(printed: string): string {
  const lines = printed.split('\n').map((line) => {
    if (/^\d+$/.test(line)) return line;
    return line
      .replace(/\b10\.0\.0\.1(\d):(\d+)\b/g, 'host-$1 port-$2')
      .replace(/host-(\d) port-1999(\d)/g, (_, host, port) => `<${'abcdefghi'[host]}:${port === '8' ? 'rpc' : 'web'}>`)
      .replace(/\b[0-9a-f]{16,}\b/g, '<hex>')
      .replace(/\d+(\.\d+)?([KMG]i?B|B)\b/g, '<bytes>')
      .replace(/\d+(\.\d+)?/g, '<number>')
      .replace(/ {2,}/g, ' ')
      .trimEnd();
  });
  return lines.join('\n');
}

/** Hosts m1, m2 … in folders of this machine: `bin/` is this checkout's, `conf/` their own. */
export class OperatorHosts {
  readonly #folder: string;
  /** What a page says, and what that is here. */
  readonly #places: ReadonlyMap<string, string>;
  readonly names: readonly string[];
  readonly #forget: () => void;

  /** @param site the settings as the pages give them. @param more of which a page says nothing; for all hosts. */
  static async make(folder: string, count: number, site: string, more: OperatorPlaces): Promise<OperatorHosts> {
    const ports = await freePorts(2 * count + 2);
    return new OperatorHosts(folder, count, site, more, ports);
  }

  private constructor(folder: string, count: number, site: string, more: OperatorPlaces, ports: readonly number[]) {
    this.#folder = folder;
    this.names = Array.from({ length: count }, (_, at) => `m${at + 1}`);
    const places = new Map<string, string>();
    for (const at of this.names.keys()) {
      places.set(`10.0.0.1${at + 1}:19998`, `127.0.0.1:${ports[2 * at]}`);
      places.set(`10.0.0.1${at + 1}:19999`, `127.0.0.1:${ports[2 * at + 1]}`);
    }
    places.set('10.0.0.10:20000', `127.0.0.1:${ports[2 * count]}`);
    places.set('10.0.0.10:9090', `127.0.0.1:${ports[2 * count + 1]}`);
    places.set('/shared', path.join(folder, 'shared'));
    for (const [place, here] of Object.entries(more.places)) places.set(place, here);
    this.#places = places;
    mkdirSync(path.join(folder, 'shared'));
    for (const [at, name] of this.names.entries()) this.#makeHost(name, at, ports, site, more.settings);
    this.#forget = undoneAtExit(() => this.#kill());
  }

  #makeHost(name: string, at: number, ports: readonly number[], site: string, settings: Readonly<Record<string, string>>): void {
    const home = path.join(this.#folder, name);
    mkdirSync(path.join(home, 'conf'), { recursive: true });
    symlinkSync(path.join(ROOT, 'bin'), path.join(home, 'bin'));
    for (const file of ['haproxy.cfg', 'alerts.yml', 'grafana-dashboard.json'])
      writeFileSync(path.join(home, 'conf', file), readFileSync(path.join(ROOT, 'conf', file)));
    const own = {
      'master.hostname': '127.0.0.1',
      'master.bind.host': '127.0.0.1',
      'master.web.bind.host': '127.0.0.1',
      'master.rpc.port': String(ports[2 * at]),
      'master.web.port': String(ports[2 * at + 1]),
      ...settings,
    };
    const lines = Object.entries(own).map(([key, value]) => `understudy.${key}=${value}\n`);
    const asGiven = this.#here(site, name).replace(/^understudy\.master\.hostname=.*\n/m, '');
    writeFileSync(path.join(home, 'conf', 'understudy-site.properties'), asGiven + lines.join(''));
  }

  #here(written: string, host: string): string {
    let here = written;
    for (const [place, real] of this.#places) here = here.replaceAll(place, real);
    return here.replaceAll('/var/lib/understudy', path.join(this.#folder, host, 'var'));
  }

  #asWritten(printed: string, host: string): string {
    let written = printed.replaceAll(path.join(this.#folder, host, 'var'), '/var/lib/understudy');
    for (const [place, real] of this.#places) written = written.replaceAll(real, place);
    return written.replaceAll(`${path.join(this.#folder, host)}/`, '').replaceAll(`${ROOT}/`, '');
  }

  /** Runs a command on `host`. @returns what it printed, errors too, and its exit code where that is not 0. */
  async run(host: string, command: string): Promise<string> {
    const script = `exec 2>&1; export UNDERSTUDY_CONF_DIR=$PWD/conf; ${this.#here(command, host)}`;
    const { code, out } = await runToEnd('bash', ['-c', script], { folder: path.join(this.#folder, host) });
    return this.#asWritten(out, host) + (code === 0 ? '' : `exit code ${code}\n`);
  }

  /** Writes a file of the page to a host, as an operator would with an editor. */
  write(host: string, name: string, content: string): void {
    writeFileSync(path.join(this.#folder, host, name), this.#here(content, host));
  }

  /** What a host's master has said. */
  log(host: string): string {
    const file = path.join(this.#folder, host, 'understudy.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Ends what the pages have left running. */
  close(): void {
    this.#forget();
  }

  /** By the files to which the pages' commands write their process ids. */
  #kill(): void {
    for (const name of this.names) {
      for (const file of ['understudy.pid', 'haproxy.pid', 'prometheus.pid']) {
        const at = path.join(this.#folder, name, file);
        if (!existsSync(at)) continue;
        try {
          process.kill(Number(readFileSync(at, 'utf8')), 'SIGKILL');
        } catch {
          // It is gone already.
        }
      }
    }
  }
}

interface OperatorPlaces {
  /** What else a page says, and what that is here. */
  readonly places: Readonly<Record<string, string>>;
  /** Without the prefix. */
  readonly settings: Readonly<Record<string, string>>;
}
