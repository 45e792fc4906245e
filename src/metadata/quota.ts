/**
 * Quotas: whether the directories above a place have room for what is to come there.
 *
 * What a directory has below it is kept (usage.ts), so a check costs one look per directory on the way that has a quota. A quota below the
 * present usage is allowed: then only what adds nothing goes through. Sums of bytes end at 2^63 - 1 for the whole namespace.
 */
import type { Resolved } from './plan.js';
import type { Inode } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';
import { SUM_MAX } from './sum.js';
import { NO_USAGE } from './usage.js';

/** What a change adds below each directory above it; negative where it takes away. */
export interface Growth {
  /** Files and directories. */
  readonly names: number;
  /** Of files' lengths. */
  readonly bytes: number | bigint;
}

/**
 * Of what is to be made at `resolved`, or changed there where it exists.
 *
 * @param unchanged that many directories on the way, from the root, keep what they have: those above both places of a rename.
 * @throws EDQUOT naming the directory, its bound and its usage; EFBIG.
 */
export function checkQuota(
  { path, names, missing, inode, above }: Pick<Resolved, 'path' | 'names' | 'missing' | 'inode' | 'above'>,
  growth: Growth,
  state: StateView,
  unchanged = 0,
): void {
  for (let depth = unchanged; depth < above.length; depth++) checkDirectory(above[depth] as Inode, depth);
  if (missing.length > 0 && unchanged <= above.length) checkDirectory(inode, above.length);
  if (growth.bytes > 0 && unchanged === 0) checkSum(growth.bytes, path, state);

  function checkDirectory(directory: Inode, depth: number): void {
    const quota = directory.more?.quota;
    if (quota == null) return;
    const usage = state.usages.get(directory.id) ?? NO_USAGE;
    const used = usage.files + usage.directories;
    const where = () => `directory=/${names.slice(0, depth).join('/')}`;
    if (growth.names > 0 && quota.namesMax > 0 && used + growth.names > quota.namesMax) {
      throw refusal('EDQUOT', 'quota of names is used up', path, `${where()} names_max=${quota.namesMax} names=${used}`);
    }
    if (growth.bytes > 0 && quota.bytesMax > 0n && usage.bytes + BigInt(growth.bytes) > quota.bytesMax) {
      throw refusal('EDQUOT', 'quota of bytes is used up', path, `${where()} bytes_max=${quota.bytesMax} bytes=${usage.bytes}`);
    }
  }
}

function checkSum(bytes: number | bigint, path: string, state: StateView): void {
  const present = state.usages.get(state.root().id)?.bytes ?? 0n;
  if (present + BigInt(bytes) <= SUM_MAX) return;
  throw refusal('EFBIG', 'the namespace would hold more bytes than can be counted', path, `bytes_max=${SUM_MAX} bytes=${present}`);
}
