import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GroupFile } from '../../src/cli/group-file.js';
import { hostGroups } from '../../src/cli/host-groups.js';

let folder = '';
const path = process.env.PATH;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-groups-'));
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

describe('groups of the host', () => {
  test('the user who runs this: what id says, the primary group first', async () => {
    const { username } = userInfo();
    const said = execFileSync('id', ['-Gn', username], { encoding: 'utf8' }).trim().split(' ');
    expect(await hostGroups.groupsOf(username)).toEqual(said);
  });

  test.each(['no-such-user-here', '-Z', '--help', '0', '+0', '', 'a b', 'a\nroot', 'a\0b', 'root:x', '../root', '$(id)', 'x'.repeat(300)])(
    'a user that is none: %j, has no groups',
    async (user) => expect(await hostGroups.groupsOf(user)).toEqual([]),
  );

  /** Puts a program named id on the path, before all others. */
  function fakeId(script: string): void {
    writeFileSync(join(folder, 'id'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'id'), 0o755);
    process.env.PATH = folder + delimiter + path;
  }

  test('names with blanks, are kept whole', async () => {
    fakeId(`printf 'domain users\\0staff\\0'`);
    expect(await hostGroups.groupsOf('alice')).toEqual(['domain users', 'staff']);
  });

  test('an id without -z, is asked without', async () => {
    fakeId(`case $1 in *z) echo "id: unrecognized option: z" >&2; exit 1;; *) echo dev staff;; esac`);
    expect(await hostGroups.groupsOf('alice')).toEqual(['dev', 'staff']);
  });

  test.each([
    ['fails', 'echo "id: cannot reach the directory" >&2; exit 1', 'cannot reach the directory'],
    ['is killed', 'kill -9 $$', 'SIGKILL'],
  ])('an id that %s, is no answer', async (_, script, why) => {
    fakeId(script);
    await expect(hostGroups.groupsOf('alice')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(why) });
  });

  test('no id at all, is no answer', async () => {
    process.env.PATH = folder;
    await expect(hostGroups.groupsOf('alice')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('groups of a file', () => {
  const written = (text: string): GroupFile => {
    writeFileSync(join(folder, 'groups'), text);
    return new GroupFile(join(folder, 'groups'));
  };

  test('lines, blanks and comments, are read', async () => {
    const groups = written('# who is where\n\nalice: dev, domain users,qa # since May\nbob:ops\neve:\n');
    expect(await groups.groupsOf('alice')).toEqual(['dev', 'domain users', 'qa']);
    expect(await groups.groupsOf('bob')).toEqual(['ops']);
    expect(await groups.groupsOf('eve')).toEqual([]);
    expect(await groups.groupsOf('nobody')).toEqual([]);
  });

  test('a change, is noticed; a bad one refused, until it is mended', async () => {
    const groups = written('alice: dev\n');
    expect(await groups.groupsOf('alice')).toEqual(['dev']);
    written('alice: dev, qa\n');
    expect(await groups.groupsOf('alice')).toEqual(['dev', 'qa']);
    written('alice: dev, qa\nbob ops\n');
    await expect(groups.groupsOf('alice')).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/line=2/) });
    written('bob: ops\n');
    expect(await groups.groupsOf('alice')).toEqual([]);
  });

  test.each([
    ['alice', /line=1/],
    ['alice dev: x', /line=1/],
    ['a: b\n: dev', /line=2/],
    ['alice: dev,,qa', /line=1/],
    ['alice: dev:qa', /line=1/],
    ['alice: dev\nbob: x\nalice: qa', /twice.*line=3 user=alice/],
  ])('%j, refused', async (text, message) => {
    await expect(written(text).groupsOf('alice')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
    });
  });

  test('no file, is no answer', async () => {
    await expect(new GroupFile(join(folder, 'none')).groupsOf('alice')).rejects.toMatchObject({ code: 'unavailable' });
  });
});
