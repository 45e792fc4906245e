/**
 * Lists, inheritance and access as the kernel and `setfacl` of this machine have them: random sequences on both.
 *
 * Users and groups are numbers of four digits here, so that both sort them alike.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Identity, mayAccess } from '../../src/metadata/access.js';
import {
  type AclEntry,
  inheritedPermissions,
  isExtended,
  modifyAcl,
  type Permissions,
  removeAcl,
  removeAclEntries,
  removeDefaultAcl,
  replaceAcl,
  wholeAcl,
} from '../../src/metadata/acl.js';
import { formatAclEntry } from '../../src/metadata/acl-text.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-acl-'));
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Edit {
  readonly option: '-m' | '-x' | '--set' | '-k' | '-b' | 'chmod';
  readonly entries: readonly AclEntry[];
  readonly mode: number;
}

const id = fc.constantFrom('1001', '1002', '1003');
const permissions = fc.integer({ min: 0, max: 7 });
const entry: fc.Arbitrary<AclEntry> = fc
  .record({
    isDefault: fc.boolean(),
    kind: fc.constantFrom('user', 'group', 'mask', 'other'),
    name: fc.option(id, { nil: '' }),
    permissions,
  })
  .map((drawn) => (drawn.kind === 'mask' || drawn.kind === 'other' ? { ...drawn, name: '' } : drawn) as AclEntry);
const entries = fc.uniqueArray(entry, {
  minLength: 1,
  maxLength: 6,
  selector: ({ isDefault, kind, name }) => `${isDefault} ${kind} ${name}`,
});
const base = (isDefault: boolean): fc.Arbitrary<AclEntry[]> =>
  fc
    .tuple(permissions, permissions, permissions)
    .map((bits) =>
      (['user', 'group', 'other'] as const).map((kind, at) => ({ isDefault, kind, name: '', permissions: bits[at] as number })),
    );
/** For `--set`, which wants the three base entries: mostly there. */
const complete = fc
  .tuple(entries, base(false))
  .map(([drawn, bases]) => [...bases, ...drawn.filter(({ isDefault, kind, name }) => isDefault || name !== '' || kind === 'mask')]);
const edit: fc.Arbitrary<Edit> = fc.record({
  option: fc.constantFrom('-m', '-m', '-m', '-x', '--set', '-k', '-b', 'chmod'),
  entries: fc.oneof(entries, complete),
  mode: fc.integer({ min: 0, max: 0o777 }),
});

function ours(held: Permissions, { option, entries, mode }: Edit, directory: boolean): Permissions {
  if (option === '-m') return modifyAcl(held, entries, directory);
  if (option === '-x') return removeAclEntries(held, entries, directory);
  if (option === '--set') return replaceAcl(held, entries, directory);
  if (option === '-k') return removeDefaultAcl(held);
  if (option === '-b') return removeAcl(held);
  return { ...held, mode };
}

/** @returns whether the machine took the edit. */
function theirs(path: string, { option, entries, mode }: Edit): boolean {
  if (option === 'chmod') {
    chmodSync(path, mode);
    return true;
  }
  const takesList = option !== '-k' && option !== '-b';
  const list = entries.map((each) => (option === '-x' ? formatAclEntry(each).replace(/[^:]*$/, '') : formatAclEntry(each))).join(',');
  return spawnSync('setfacl', [option, ...(takesList ? [list] : []), path]).status === 0;
}

function textOf({ mode, acl }: Permissions): string {
  return wholeAcl({ mode, acl }).map(formatAclEntry).join('\n');
}

function kernels(...paths: readonly string[]): string[] {
  const text = execFileSync('getfacl', ['-ncpE', ...paths], { encoding: 'utf8' });
  return text
    .trimEnd()
    .split('\n\n')
    .map((each) => each.trim());
}

let made = 0;

test('random edits, and what is made below, are as the machine has them', () => {
  const below = fc.record({ directory: fc.boolean(), mode: fc.integer({ min: 0, max: 0o777 }), umask: fc.integer({ min: 0, max: 0o777 }) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), below, (edits, child) => {
      const path = join(folder, String(made++));
      mkdirSync(path);
      let held: Permissions = { mode: statSync(path).mode & 0o777, acl: [] };
      for (const each of edits) {
        let refused: unknown = null;
        try {
          held = ours(held, each, true);
        } catch (thrown) {
          refused = thrown;
        }
        expect(theirs(path, each), `${each.option} ${each.entries.map(formatAclEntry)}: ${refused}`).toBe(refused === null);
      }
      const under = join(path, 'child');
      const umask = process.umask(child.umask);
      try {
        if (child.directory) mkdirSync(under, { mode: child.mode });
        else closeSync(openSync(under, 'wx', child.mode));
      } finally {
        process.umask(umask);
      }
      const inherited = inheritedPermissions(held.acl, child.mode, child.umask, child.directory);
      expect(kernels(path, under)).toEqual([textOf(held), textOf(inherited)]);
    }),
    { numRuns: 150 },
  );
});

/** Prints, for each path and each of the eight wants, whether this process may: it has become the user before. */
const PROBE = `
  const fs = require('node:fs');
  const [uid, gids, folder, count] = JSON.parse(process.argv[1]);
  process.setgroups(gids); process.setgid(gids[0]); process.setuid(uid);
  const may = (path, want) => { try { fs.accessSync(path, want); return '1'; } catch { return '0'; } };
  for (let n = 0; n < count; n++) console.log([0,1,2,3,4,5,6,7].map((want) => may(folder + '/' + n, want)).join(''));
`;

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write('SKIPPED: access of several users, as the kernel grants it: this needs root\n');

test.skipIf(!isRoot)('access of several users to inodes with random lists, is as the kernel grants it (needs root)', () => {
  const drawn = fc.sample(fc.tuple(fc.array(edit, { maxLength: 4 }), id, id), { numRuns: 120, seed: 1 });
  const place = join(folder, 'access');
  mkdirSync(place, { mode: 0o755 });
  const inodes = drawn.map(([edits, owner, group], at) => {
    const path = join(place, String(at));
    mkdirSync(path, { mode: 0o750 });
    execFileSync('chown', [`${owner}:${group}`, path]);
    let held: Permissions = { mode: 0o750, acl: [] };
    for (const each of edits.filter(({ option }) => option !== '-b' && option !== '-k')) {
      try {
        held = ours(held, each, true);
        theirs(path, each);
      } catch {
        // Refused by both, as the test above sees.
      }
    }
    return { owner, group, mode: held.mode, directory: true, acl: held.acl, more: { acl: held.acl } };
  });
  for (const [user, groups] of [
    ['1001', ['1001']],
    ['1001', ['1009', '1002', '1003']],
    ['1002', ['1003']],
    ['1008', ['1008']],
    ['1008', ['1001', '1002']],
  ] as const) {
    const input = JSON.stringify([Number(user), groups.map(Number), place, inodes.length]);
    const answers = execFileSync(process.execPath, ['-e', PROBE, input], { encoding: 'utf8' }).trim().split('\n');
    const identity: Identity = { user, group: groups[0], groups: new Set(groups), isSuperuser: false };
    const granted = inodes.map((inode) => [0, 1, 2, 3, 4, 5, 6, 7].map((want) => (mayAccess(inode, identity, want) ? '1' : '0')).join(''));
    // Linux looks at no list whose mask is empty, and so gives users whom it names what others get: the standard refuses them.
    const isLooked = ({ mode, acl }: Permissions) => (mode & 0o070) !== 0 || !isExtended(acl);
    const compared = (rows: readonly string[]) => rows.map((row, at) => (isLooked(inodes[at] as Permissions) ? `${at} ${row}` : ''));
    expect(compared(granted)).toEqual(compared(answers));
  }
});
