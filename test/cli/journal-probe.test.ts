/** `understudy journal probe` as an operator runs it: on one host, on two at once, on a bucket. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustBeBuilt, ROOT } from '../servers/built.js';
import { describeOnGluster } from '../servers/describe-on-gluster.js';
import { GlusterVolume } from '../servers/gluster.js';
import { tracked } from '../servers/processes.js';
import { s3Settings, startS3 } from '../servers/s3.js';
import { waitUntil } from '../servers/wait-until.js';

beforeAll(mustBeBuilt);

/** A probe under way. */
class Probe {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  output = '';

  constructor(folder: string, ...args: readonly string[]) {
    const command = [path.join(ROOT, 'bin', 'understudy'), 'journal', 'probe', `-Dunderstudy.master.journal.folder=${folder}`, ...args];
    this.#child = tracked(spawn(process.execPath, command));
    this.#ended = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', (text) => (this.output += text));
  }

  async code(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  /** @returns the id that the second host needs. */
  async id(): Promise<string> {
    let id: string | undefined;
    await waitUntil('the probe waits for a second host', () => {
      id = /--join ([0-9a-f]{8})\n/.exec(this.output)?.[1];
      return id !== undefined;
    });
    return id ?? '';
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }
}

test('probe: on a local disk, says that it can hold a journal for this host, and leaves nothing behind', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'understudy-probe-'));
  const probe = new Probe(folder);
  expect(await probe.code(), probe.output).toBe(0);
  expect(probe.output).toMatch(/^ok {6}exclusive create: .*\n(.*\n)*write and sync, 1 KiB: p50 \d+\.\d\d ms, p99 \d+\.\d\d ms\n/m);
  expect(probe.output).toContain('This mount can hold a journal, for masters on this host');
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});

test('probe: of a folder that is not there, makes none and says so', async () => {
  const probe = new Probe('/nowhere/journal');
  expect(await probe.code()).toBe(1);
  expect(probe.output).toContain('no such folder, make it or mount its storage first: folder=/nowhere/journal');
  expect(existsSync('/nowhere')).toBe(false);
});

test('probe: of a bucket, says that it can hold a journal, and leaves nothing behind', async () => {
  await using server = await startS3({ make: 'versitygw' });
  await server.createBucket('probe');
  const { 'master.journal.folder': folder = '', ...settings } = s3Settings(server.endpoint, 'probe');
  const probe = new Probe(folder, ...Object.entries(settings).map(([key, value]) => `-Dunderstudy.${key}=${value}`));
  expect(await probe.code(), probe.output).toBe(0);
  expect(
    readdirSync(path.join(server.folder, 'probe'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()),
  ).toEqual([]);
  expect(probe.output).toMatch(/create, 16 KiB: p50 \d+\.\d\d ms.*\n(.*\n)*This bucket can hold a journal\.\n$/);
});

describeOnGluster('two hosts', () => {
  let volume: GlusterVolume;
  beforeAll(async () => {
    volume = await GlusterVolume.start();
    mkdirSync(path.join(volume.mounts[0], 'journal'));
  });
  afterAll(() => volume.close());
  const folders = () => volume.mounts.map((mount) => path.join(mount, 'journal')) as [string, string];

  test('probe: on two hosts at once, both say that the mount can hold a journal', async () => {
    const [here, there] = folders();
    const first = new Probe(here);
    const second = new Probe(there, '--join', await first.id());
    expect(await first.code(), first.output).toBe(0);
    expect(await second.code(), second.output).toBe(0);
    for (const { output } of [first, second]) {
      expect(output).toMatch(/ok {6}write, then look: .* 60 of 60 times/);
      expect(output).toMatch(/\nThis mount can hold a journal\.\n$/);
    }
    expect(readdirSync(here)).toEqual([]);
  });

  test('probe: interrupted while it waits for the second host, leaves nothing behind', async () => {
    const [here] = folders();
    const probe = new Probe(here);
    await probe.id();
    probe.interrupt();
    expect(await probe.code()).not.toBe(0);
    expect(readdirSync(here)).toEqual([]);
  });
});
