/**
 * The groups that this machine knows a user to be in, through whatever its name service asks (files, LDAP, SSSD): what `id` says.
 *
 * No shell, and no name that `id` could take for an option, for a number of a user, or for another user.
 */
import { execFile } from 'node:child_process';
import { UnderstudyError } from '../base/errors.js';
import type { GroupMapping } from '../master/group-mapping.js';

const LIMIT_MS = 5_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
const NAME = /^(?=.*[^\d])[^-+\s\p{Cc}:/][^\s\p{Cc}:/]{0,254}$/u;

interface Ran {
  readonly code: number | string | null | undefined;
  readonly out: string;
  readonly complaint: string;
}

export const hostGroups: GroupMapping = {
  async groupsOf(user) {
    if (!NAME.test(user)) return [];
    const exact = await runId(['-Gnz', '--', user]);
    if (exact.code === 0) return namesIn(exact.out, '\0');
    // Not every machine's `id` can set names with blanks in them apart.
    const ran = /\boption\b/.test(exact.complaint) ? await runId(['-Gn', '--', user]) : exact;
    if (ran.code === 0) return namesIn(ran.out, /\s+/);
    if (/no such user|unknown user/i.test(ran.complaint)) return [];
    throw new UnderstudyError('unavailable', `id failed: user=${user} code=${ran.code} ${ran.complaint.trim().split('\n')[0]}`);
  },
};

function runId(args: readonly string[]): Promise<Ran> {
  const options = { timeout: LIMIT_MS, maxBuffer: OUTPUT_BYTES_MAX, env: { ...process.env, LC_ALL: 'C' } };
  return new Promise((resolve) => {
    execFile('id', args, options, (error, out, complaint) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), out, complaint: complaint || (error?.message ?? '') });
    });
  });
}

const namesIn = (text: string, separator: string | RegExp): string[] =>
  text
    .trim()
    .split(separator)
    .filter((name) => name !== '');
