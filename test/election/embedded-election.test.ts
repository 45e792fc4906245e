import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.js';
import { systemFiles } from '../../src/base/system-file.js';
import { systemRandom } from '../../src/base/system-random.js';
import type { ElectionEvent } from '../../src/election/election.js';
import { EmbeddedElection } from '../../src/election/embedded-election.js';
import { FolderTerms } from '../../src/election/folder-terms.js';
import { readPointer, TermFile, writePointer } from '../../src/election/term-file.js';
import { tcpNetwork } from '../../src/rpc/tcp-network.js';
import { electionContract } from '../contract/election-contract.js';
import { waitUntil } from '../servers/wait-until.js';
import { StoppableClock } from './stoppable-clock.js';

const TIMEOUT_MS = 400;
const POLL_MS = 20;

/** A port that accepts connections, as a master's does. */
class Port {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((socket) => this.#sockets.add(socket.on('error', () => {}).resume()));

  static async open(): Promise<Port> {
    const port = new Port();
    await new Promise<void>((resolve) => port.#server.listen(0, '127.0.0.1', resolve));
    return port;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** As its process dies: connections break, and new ones are refused. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function open(folder: string, timeoutMs = TIMEOUT_MS) {
  const clock = new StoppableClock();
  const port = await Port.open();
  const terms = new FolderTerms(join(folder, 'election'), systemFiles);
  const deps = { clock, random: systemRandom, log: silentLog, network: tcpNetwork, terms };
  const election = await EmbeddedElection.open({ timeoutMs, pollIntervalMs: POLL_MS }, deps);
  return { clock, port, election, rpcAddress: port.address };
}

const makeFolder = () => mkdtemp(join(tmpdir(), 'understudy-election-'));

electionContract('embedded', async () => {
  const folder = await makeFolder();
  const clocks: StoppableClock[] = [];
  const ports: Port[] = [];
  return {
    timeoutMs: TIMEOUT_MS,
    inOrder: false,
    async candidate() {
      const { clock, port, election, rpcAddress } = await open(folder);
      clocks.push(clock);
      ports.push(port);
      return {
        election,
        rpcAddress,
        async kill() {
          clock.stop();
        },
        async loseSession() {
          clock.stop();
          const before = await newestTerm(folder);
          await waitUntil('another has taken the next term', async () => (await newestTerm(folder)) > before).catch(() => {});
          clock.resume();
        },
      };
    },
    directory: async () => undefined,
    async [Symbol.asyncDispose]() {
      for (const port of ports) port.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

async function newestTerm(folder: string): Promise<number> {
  return readPointer({ files: systemFiles, folder: join(folder, 'election'), direct: false });
}

describe('embedded election', () => {
  let folder: string;
  const opened: Awaited<ReturnType<typeof open>>[] = [];

  async function candidate(timeoutMs = TIMEOUT_MS, rpcAddress?: string) {
    const made = await open(folder, timeoutMs);
    const events: ElectionEvent['type'][] = [];
    const joined = { ...made, events, isElected: () => events.at(-1) === 'elected' };
    opened.push(joined);
    made.election.join(rpcAddress ?? made.rpcAddress, ({ type }) => events.push(type));
    return joined;
  }

  beforeEach(async () => {
    folder = await makeFolder();
  });

  afterEach(async () => {
    for (const { clock, election, port } of opened.splice(0)) {
      clock.resume();
      await election.close();
      port.close();
    }
    await rm(folder, { recursive: true, force: true });
  });

  const where = () => ({ files: systemFiles, folder: join(folder, 'election'), direct: false });

  test('dead holder whose port refuses: the next term is taken long before the time-out', async () => {
    const a = await candidate(20_000);
    await waitUntil('a is elected', a.isElected);
    const b = await candidate(20_000);
    await waitUntil('b watches the port of a', async () => (await newestTerm(folder)) === 1);
    const before = performance.now();
    a.clock.stop();
    a.port.close();
    await waitUntil('b is elected', b.isElected);
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  test('port of a living holder refuses: at most one term is taken for it per time-out', async () => {
    const timeoutMs = 1_500;
    const a = await candidate(timeoutMs);
    await waitUntil('a is elected', a.isElected);
    a.port.close();
    const b = await candidate(timeoutMs);
    b.port.close();
    await waitUntil('b is elected', b.isElected);
    await waitUntil('a is deposed', () => !a.isElected());
    const before = performance.now();
    await waitUntil('a takes over in its turn', a.isElected);
    expect(performance.now() - before).toBeGreaterThan(timeoutMs * 0.8);
  });

  test('stopped holder: superseded, it is deposed when it goes on', async () => {
    const a = await candidate();
    await waitUntil('a is elected', a.isElected);
    const b = await candidate();
    a.clock.stop();
    await waitUntil('b is elected', b.isElected);
    expect(a.events).toEqual(['elected']);
    a.clock.resume();
    await waitUntil('a is deposed', () => !a.isElected());
    expect(b.events).toEqual(['elected']);
  });

  test('living holder: nobody takes over however long the others watch', async () => {
    const a = await candidate(200);
    await waitUntil('a is elected', a.isElected);
    const b = await candidate(200);
    const until = performance.now() + 1_500;
    await waitUntil('several time-outs have passed', () => performance.now() > until);
    expect([a.events, b.events]).toEqual([['elected'], []]);
  });

  test('restart on the same address: the old term is not waited for', async () => {
    const a = await candidate(20_000, 'host:1');
    await waitUntil('a is elected', a.isElected);
    a.clock.stop();
    const before = performance.now();
    const again = await candidate(20_000, 'host:1');
    await waitUntil('it is elected again', again.isElected);
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  test('taker dies before it says so in the term before: holder notices, others go past it after the time-out', async () => {
    const a = await candidate();
    await waitUntil('a is elected', a.isElected);
    const dead = await TermFile.take(where(), 2);
    await dead?.close();
    await waitUntil('a is deposed', () => a.events.includes('deposed'));
    await waitUntil('a is elected in term 3', a.isElected);
    expect(await newestTerm(folder)).toBe(3);
  });

  test('candidate that slept through many terms: gives up an old one that it took', async () => {
    const a = await candidate();
    await waitUntil('a is elected', a.isElected);
    const old = await TermFile.open(where(), 1);
    await a.election.close();
    await old?.writeSuccessor(Buffer.alloc(16, 1));
    await writePointer(where(), 1);
    for (let term = 2; term <= 4; term++) {
      const file = await TermFile.take(where(), term);
      await file?.writeHolder({ resigned: true, counter: 0, nonce: Buffer.alloc(16), rpcAddress: 'host:1' });
      if (term < 4) await file?.writeSuccessor(Buffer.alloc(16, term));
      await file?.close();
    }
    await old?.close();
    const b = await candidate();
    await waitUntil('b is elected', b.isElected);
    expect(await newestTerm(folder)).toBe(5);
  });

  test('pointer lost or damaged, term file gone: somebody is elected again', async () => {
    const a = await candidate();
    await waitUntil('a is elected', a.isElected);
    await a.election.close();
    await writeFile(join(folder, 'election', 'pointer'), Buffer.alloc(8192, 0x55));
    const b = await candidate();
    await waitUntil('b is elected', b.isElected);
    await b.election.close();
    await rm(join(folder, 'election', '2'));
    const c = await candidate();
    await waitUntil('c is elected', c.isElected);
  });

  test('term file full of garbage: its holder is waited for and then passed', async () => {
    const a = await candidate();
    await waitUntil('a is elected', a.isElected);
    await a.election.close();
    await writeFile(join(folder, 'election', '1'), Buffer.alloc(8192, 0xaa));
    const b = await candidate();
    await waitUntil('b is elected', b.isElected);
  });

  test('journal folder not there: tried again until it is', async () => {
    await rm(folder, { recursive: true });
    const a = await candidate();
    await expect(a.election.requeue()).rejects.toMatchObject({ code: 'unavailable' });
    await mkdir(folder);
    await waitUntil('a is elected', a.isElected);
  });

  test('election folder removed under its candidates: made again, and one is elected', async () => {
    const a = await candidate();
    await waitUntil('a is elected', a.isElected);
    const b = await candidate();
    await rm(where().folder, { recursive: true });
    await a.election.close();
    await waitUntil('b is elected', b.isElected);
    expect(await newestTerm(folder)).toBeGreaterThan(0);
  });

  test('many terms: the file of an old one is removed', async () => {
    await mkdir(where().folder);
    for (const term of [36, 37, 99]) {
      const file = await TermFile.take(where(), term);
      await file?.writeHolder({ resigned: true, counter: 0, nonce: Buffer.alloc(16), rpcAddress: 'host:1' });
      await file?.close();
    }
    await writePointer(where(), 99);
    const a = await candidate();
    await waitUntil('a is elected', a.isElected);
    await waitUntil('the old file is gone', async () => !(await readdir(where().folder)).includes('36'));
    expect(await readdir(where().folder)).toEqual(expect.arrayContaining(['37', '99', '100']));
  });
});

describe('term file', () => {
  test('direct: pages are written and read past the cache', async () => {
    // tmpfs refuses O_DIRECT; the checkout's file system is a disk's.
    const folder = await mkdtemp(join(process.cwd(), 'node_modules', '.understudy-'));
    try {
      const place = { files: systemFiles, folder, direct: true };
      const file = await TermFile.take(place, 1);
      expect(await TermFile.take(place, 1)).toBeUndefined();
      await file?.writeHolder({ resigned: false, counter: 5, nonce: Buffer.alloc(16, 7), rpcAddress: 'host:1' });
      const other = await TermFile.open(place, 1);
      expect((await other?.readHolder())?.page).toEqual({ resigned: false, counter: 5, nonce: Buffer.alloc(16, 7), rpcAddress: 'host:1' });
      expect(await other?.readSuccessor()).toBeUndefined();
      await file?.writeSuccessor(Buffer.alloc(16, 8));
      expect(await other?.readSuccessor()).toEqual(Buffer.alloc(16, 8));
      await file?.close();
      await other?.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
