/** The test bed itself: two mounts of one volume whose clients cache, and nothing of it left when it is closed. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeOnGluster } from './describe-on-gluster.js';
import { GlusterVolume } from './gluster.js';

const own = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(`understudy-gluster-${process.pid}-`));

describeOnGluster('GlusterFS', () => {
  test('a volume: is one folder seen through two mounts, and leaves nothing behind', async () => {
    const volume = await GlusterVolume.start();
    const [a, b] = volume.mounts;
    expect(statfsSync(a).type).toBe(0x65735546);
    writeFileSync(path.join(a, 'file'), 'seen');
    expect(readFileSync(path.join(b, 'file'), 'utf8')).toBe('seen');
    await volume.close();
    expect(own()).toEqual([]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(a);
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(path.dirname(a));
  });
});
