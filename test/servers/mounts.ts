/** Mount points of this machine, as far as tests make them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const COMMAND_LIMIT_MS = 30_000;

export function mountsBelow(folder: string): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return points.map((line) => line.split(' ')[4] ?? '').filter((at) => at === folder || at.startsWith(`${folder}/`));
}

/** Those mounted last first; whoever has files open there keeps them. Another process may do the same meanwhile. */
export function unmountBelow(folder: string): void {
  for (const at of mountsBelow(folder).reverse()) unmount(at);
}

/** @throws where it is still mounted. */
function unmount(at: string): void {
  try {
    execFileSync('umount', ['--lazy', at], { timeout: COMMAND_LIMIT_MS, stdio: 'pipe' });
  } catch (error) {
    if (mountsBelow(at).includes(at)) throw error;
  }
}
