/** What the probe of a mount says: on one host, between two mounts of a volume, and where the rules are broken. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { isError, UnderstudyError } from '../../src/base/errors.js';
import { systemClock } from '../../src/base/system-clock.js';
import { SystemFile } from '../../src/base/system-file.js';
import { findMount } from '../../src/base/system-mounts.js';
import { systemRandom } from '../../src/base/system-random.js';
import { beginProbe, endProbe, type FolderReport, probeOnOneHost } from '../../src/journal/folder-probe.js';
import { type PairReport, preparePair, probeAsPair } from '../../src/journal/folder-probe-pair.js';
import { errorOf } from '../contract/journal-contract.js';
import { describeOnGluster } from '../servers/describe-on-gluster.js';
import { GlusterVolume } from '../servers/gluster.js';

const deps = { clock: systemClock, random: systemRandom };
const broken = ({ findings }: Pick<FolderReport, 'findings'>) => findings.filter(({ holds }) => !holds).map(({ what }) => what);
let journal: string;

beforeAll(async () => {
  journal = await mkdtemp(path.join(tmpdir(), 'understudy-probe-'));
});
afterAll(() => rm(journal, { recursive: true }));
afterEach(() => void vi.restoreAllMocks());

/** Opens files as `change` wants its options. */
function opening(
  change: (options: Parameters<typeof SystemFile.open>[1], file: string) => Parameters<typeof SystemFile.open>[1] | Error,
): void {
  const { open } = SystemFile;
  vi.spyOn(SystemFile, 'open').mockImplementation((file, options) => {
    const changed = change(options, file);
    return changed instanceof Error ? Promise.reject(changed) : open.call(SystemFile, file, changed);
  });
}

test('probe: on a local disk, everything holds and nothing is left behind', async () => {
  const folder = await beginProbe(journal, deps);
  const report = await probeOnOneHost(folder, deps);
  await endProbe(folder);
  expect(report.findings.filter(({ holds }) => !holds)).toEqual([]);
  expect(report.syncMs.length).toBe(report.readMs.length);
  expect(await readdir(journal)).toEqual([]);
});

test('probe: names that can be made twice, and a full disk, are told', async () => {
  const folder = await beginProbe(journal, deps);
  opening((options, file) => {
    if (path.basename(file) === 'log') return new UnderstudyError('unavailable', 'file operation failed: errno=ENOSPC');
    return options?.create === 'exclusive' ? { ...options, create: 'always' } : options;
  });
  const report = await probeOnOneHost(folder, deps);
  await endProbe(folder);
  expect(broken(report)).toEqual(['exclusive create', 'durable writes']);
  expect(report.findings.at(-1)?.says).toContain('ENOSPC');
});

test('probe: a second host that never comes, is waited for no longer than told', async () => {
  const folder = await beginProbe(journal, deps);
  await preparePair(folder);
  const error = await errorOf(probeAsPair(folder, 0, deps, { host: 'a', waitMs: 50 }));
  await endProbe(folder);
  expect(isError(error, 'deadline_exceeded'), error.message).toBe(true);
});

test('mounts: the last one over the longest path counts, blanks in its name included', () => {
  const table = [
    '20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw,errors=continue',
    '30 20 0:40 / /mnt/a\\040b rw - nfs4 server:/x rw,vers=4.2,soft',
    '31 30 0:41 / /mnt/a\\040b ro,noatime master:2 shared:3 - fuse.glusterfs host:/v1 rw,max_read=131072',
    '32 20 0:42 / /mnt/a rw - tmpfs tmpfs rw',
  ].join('\n');
  expect(findMount(table, '/mnt/a b/journal')).toMatchObject({ at: '/mnt/a b', type: 'fuse.glusterfs', source: 'host:/v1' });
  expect(findMount(table, '/mnt/a b/journal')?.options).toContain('ro');
  expect(findMount(table, '/mnt/abc')?.type).toBe('ext4');
});

describeOnGluster('between two mounts', () => {
  let volume: GlusterVolume;
  beforeAll(async () => {
    volume = await GlusterVolume.start();
  });
  afterAll(() => volume.close());

  /** Both hosts of a probe. */
  async function pair(): Promise<[PairReport, PairReport]> {
    const [here, there] = volume.mounts;
    await mkdir(path.join(here, 'j'), { recursive: true });
    const folder = await beginProbe(path.join(here, 'j'), deps);
    await preparePair(folder);
    const joined = path.join(there, path.relative(here, folder));
    const reports = await Promise.all([
      probeAsPair(folder, 0, deps, { host: 'a', waitMs: 5000 }),
      probeAsPair(joined, 1, deps, { host: 'b', waitMs: 5000 }),
    ]);
    await endProbe(folder);
    return reports;
  }

  test('a GlusterFS volume with default options: every rule holds, for both hosts, though their caches are behind', async () => {
    const [a, b] = await pair();
    expect([broken(a), broken(b)]).toEqual([[], []]);
    expect([a.otherHost, b.otherHost]).toEqual(['b', 'a']);
    expect(a.staleLooks + b.staleLooks).toBeGreaterThan(0);
  });

  test('the same where reads come from the caches: the contest and the log are broken', async () => {
    opening((options, file) => (path.basename(file) === 'meeting' ? options : { ...options, direct: false }));
    const [a, b] = await pair();
    expect(broken(a)).toEqual(['write, then look', "reading the other host's log"]);
    expect(broken(b)).toEqual(broken(a));
  });

  test('the same where names can be made twice: the race for names is broken', async () => {
    opening((options, file) => (path.basename(file).startsWith('race-') ? { ...options, create: 'always' } : options));
    expect(broken((await pair())[0])).toEqual(['exclusive create between hosts']);
  });
});
