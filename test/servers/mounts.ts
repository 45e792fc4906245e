/** Mount points of this machine, as far as tests make them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const COMMAND_LIMIT_MS = 30_000;

export function mountsBelow(folder: string): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return points.map((line) => line.split(' ')[4] ?? '').filter((at) => at === folder || at.startsWith(`${folder}/`));
}

/** Those mounted last first; whoever has files open there keeps them. */
export function unmountBelow(folder: string): void {
  for (const at of mountsBelow(folder).reverse()) execFileSync('umount', ['--lazy', at], { timeout: COMMAND_LIMIT_MS });
}
