/** What the kernel says about the mount that a folder lies on. */
import { readFile, realpath } from 'node:fs/promises';

export interface Mount {
  readonly at: string;
  /** As in /proc/filesystems: `ext4`, `nfs4`, `fuse.glusterfs`. */
  readonly type: string;
  readonly source: string;
  /** The mount's, then the file system's own. */
  readonly options: readonly string[];
}

/** @returns undefined where the system does not tell (it is not Linux). */
export async function mountOf(folder: string): Promise<Mount | undefined> {
  const [real, table] = await Promise.all([realpath(folder), readFile('/proc/self/mountinfo', 'utf8').catch(() => '')]);
  return findMount(table, real);
}

/** @param table as /proc/self/mountinfo. @returns the last mount over the longest path that leads to `folder`. */
export function findMount(table: string, folder: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of table.split('\n')) {
    // 36 35 98:0 /root /at rw,noatime shared:1 - ext4 /dev/root rw,errors=continue
    const [own = '', fileSystem = ''] = line.split(' - ');
    const [, , , , point, options = ''] = own.split(' ');
    const [type, source, more = ''] = fileSystem.split(' ');
    if (point === undefined || type === undefined || source === undefined) continue;
    const at = unescaped(point);
    const isAbove = at === '/' || folder === at || folder.startsWith(`${at}/`);
    if (!isAbove || at.length < (found?.at.length ?? 0)) continue;
    found = { at, type, source: unescaped(source), options: [...options.split(','), ...more.split(',')] };
  }
  return found;
}

/** Blanks and the like stand as octal numbers. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
