/** The formats that are text: each is written as it was once, and read so; what a later version wrote is refused, or passed over. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { epoch } from '../../src/base/ids.js';
import { decodeLeader, encodeLeader } from '../../src/election/zookeeper-nodes.js';
import { BackupFolder, type BackupManifest, publishBackup } from '../../src/journal/backup-folder.js';
import { decodeManifest, encodeManifest } from '../../src/journal/checkpoint-manifest.js';
import { goldenAsMade, goldenText } from './golden.js';

const backup: BackupManifest = {
  format: 'understudy-backup',
  version: 1,
  clusterId: 'cluster-1',
  incarnationId: 'ab'.repeat(16),
  epochHighest: 9,
  from: { sn: 500, hash: '01'.repeat(32), epoch: 4 },
  to: { sn: 2 ** 40, hash: '02'.repeat(32), epoch: 7, timeMs: 1_700_000_000_123 },
  digest: '0123456789abcdef',
  checkpoint: { sn: 500, id: 'cd'.repeat(16) },
  madeMs: 1_700_000_000_456,
  files: [
    { name: 'log-00000000000000000501', bytes: 3 * 2 ** 30, sha256: '03'.repeat(32) },
    { name: `checkpoint-500-${'cd'.repeat(16)}`, bytes: 12_345, sha256: '04'.repeat(32) },
  ],
};

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'understudy-golden-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("a backup's MANIFEST, version 1", async () => {
  const [made, folder] = [await newFolder(), await newFolder()];
  const { format: _, version: __, ...manifest } = backup;
  await publishBackup(made, manifest);
  const text = goldenAsMade('backup-1.txt', await readFile(path.join(made, 'MANIFEST'), 'utf8'));
  await writeFile(path.join(folder, 'MANIFEST'), text);
  expect((await BackupFolder.open(folder)).manifest).toEqual(backup);
});

test("a checkpoint's manifest on an object store, version 1", () => {
  const manifest = { parts: 3, bytes: 2 ** 24 + 5 };
  const text = goldenAsMade('checkpoint-manifest-1.txt', encodeManifest(manifest).toString());
  const decode = (line: string) => decodeManifest(Buffer.from(line), 'object=manifest');
  expect(decode(text)).toEqual(manifest);
  expect(decode(text.replace('\n', ' later=1\n'))).toEqual(manifest);
  expect(() => decode(text.replace('version=1', 'version=2'))).toThrow(/^needs version/);
  for (const damaged of ['', text.slice(0, -1), text.slice(1), text.replace('parts=3', 'parts=x')])
    expect(() => decode(damaged)).toThrow(/damaged/);
});

test("a leader's node in ZooKeeper", () => {
  const leader = { rpcAddress: 'host-ü:19998', webAddress: 'host-ü:19999', epoch: epoch(12) };
  const text = goldenAsMade('leader-2.txt', `${encodeLeader(leader, 'cluster-1')}\n`);
  expect(decodeLeader(Buffer.from(text))).toEqual(leader);
  expect(decodeLeader(Buffer.from(goldenText('leader-1.txt', '')))).toEqual(leader);
  expect(decodeLeader(Buffer.from(text.replace('}', ',"later":1}')))).toEqual(leader);
});
