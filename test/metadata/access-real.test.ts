/**
 * Several users at work in one tree, here and in a folder of this machine: each is let do the same in both, and the trees become the same.
 *
 * The users are processes with ids of their own, which needs root. Names of users and groups are their numbers.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXECUTE, type Identity, mayAccess, WRITE } from '../../src/metadata/access.js';
import { type AclEntry, isExtended, wholeAcl } from '../../src/metadata/acl.js';
import { formatAclEntry, parseAcl, parseAclNames } from '../../src/metadata/acl-text.js';
import { aclEntryMessage } from '../../src/metadata/inode-more.js';
import type { Inode } from '../../src/metadata/records.js';
import { Acting, user } from './acting.js';

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write('SKIPPED: several users at work, here and on this machine: this needs root\n');

const IDENTITIES: readonly Identity[] = [
  { user: '0', group: '0', groups: new Set(['0']), isSuperuser: true },
  user('2001', '3001', '3002'),
  user('2002', '3002'),
  user('2003', '3003'),
];

/** One of them on this machine. */
class Person {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor({ user: name, groups }: Identity) {
    const program = path.join(import.meta.dirname, 'users-child.mjs');
    this.#child = spawn(process.execPath, [program, name, ...groups], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  async act(command: object): Promise<string> {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    const { value } = await this.#answers.next();
    return String(value);
  }

  end(): void {
    this.#child.stdin?.end();
  }
}

let folder = '';
let people: Person[] = [];
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'understudy-users-'));
  chmodSync(folder, 0o755);
  if (isRoot) people = IDENTITIES.map((identity) => new Person(identity));
});
afterAll(() => {
  for (const person of people) person.end();
  rmSync(folder, { recursive: true });
});

interface Step {
  readonly act: 'mkdir' | 'create' | 'give' | 'remove' | 'rename' | 'chmod' | 'chgrp' | 'utimes' | 'stat' | 'access' | 'list' | 'setfacl';
  readonly who: number;
  readonly path: string;
  readonly to: string;
  readonly mode: number;
  readonly umask: number;
  readonly wanted: number;
  readonly group: string;
  readonly option: '-m' | '-x' | '-b' | '-k';
  readonly list: string;
}

const name = fc.constantFrom('a', 'b');
const somewhere = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`);
/** Generous ones are more frequent: else nothing is deep. */
const mode = fc.oneof(fc.constantFrom(0o777, 0o775, 0o770, 0o750), fc.integer({ min: 0, max: 0o777 }));
const someId = fc.constantFrom('2001', '2002', '2003');
const entry = fc
  .tuple(fc.boolean(), fc.constantFrom('u', 'g'), fc.oneof(someId, fc.constant('')), fc.constantFrom('rwx', 'r-x', '-wx', '---', '--x'))
  .map(([isDefault, kind, id, bits]) => `${isDefault ? 'd:' : ''}${kind}:${kind === 'g' ? id.replace('2', '3') : id}:${bits}`);
const list = fc
  .uniqueArray(entry, { minLength: 1, maxLength: 3, selector: (text) => text.replace(/[^:]*$/, '') })
  .map((all) => all.join(','));
const ACTS: readonly Step['act'][] = [
  ...([
    'mkdir',
    'create',
    'remove',
    'rename',
    'chmod',
    'chmod',
    'chgrp',
    'utimes',
    'stat',
    'access',
    'list',
    'setfacl',
    'setfacl',
  ] as const),
];
const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(...ACTS),
  who: fc.constantFrom(0, 1, 1, 2, 2, 3),
  path: somewhere,
  to: somewhere,
  mode: fc.tuple(mode, fc.constantFrom(0, 0, 0, 0o1000, 0o2000)).map(([bits, more]) => bits | more),
  umask: fc.constantFrom(0, 0o022, 0o077),
  wanted: fc.integer({ min: 0, max: 7 }),
  group: fc.constantFrom('3001', '3002', '3003'),
  option: fc.constantFrom('-m', '-m', '-m', '-x', '-b', '-k'),
  list,
});

/** What is asked of the namespace. @returns the errno, or `done`. */
function ours(world: Acting, { act, who, path: at, to, mode: bits, umask, wanted, group, option, list: text }: Step): string {
  const identity = IDENTITIES[who] as Identity;
  const run = (...[operation, body]: [Parameters<Acting['act']>[1], object]) => world.attempt(identity, operation, { path: at, ...body });
  const entries = (parsed: readonly AclEntry[]) => parsed.map(aclEntryMessage);
  switch (act) {
    case 'mkdir':
      return run('createDirectory', { mode: bits, umask });
    case 'create':
      return run('createFile', { mode: bits, umask, completeLength: 0 });
    case 'remove':
      return run('remove', {});
    case 'rename':
      return run('rename', { from: at, to, overwrite: true });
    case 'chmod':
      return run('setAttributes', { mode: bits });
    case 'chgrp':
      return run('setAttributes', { group });
    case 'give':
      return run('setAttributes', { owner: String(Number(group) - 1000), group });
    case 'utimes':
      return run('setAttributes', { modifiedMs: 1000, accessedMs: 1000 });
    case 'stat':
      return run('getStatus', {});
    case 'access':
      return run('checkAccess', { wanted });
    case 'list':
      return run('listStatus', {});
    case 'setfacl': {
      if (option === '-b' || option === '-k') return run('setAcl', { action: option === '-b' ? 4 : 3 });
      if (option === '-m') return run('setAcl', { action: 0, entries: entries(parseAcl(text)) });
      return run('setAcl', {
        action: 2,
        entries: entries(parseAclNames(text.replace(/[^:,]*(?=,|$)/g, '')).map((each) => ({ ...each, permissions: 0 }))),
      });
    }
  }
}

/** The same step as it is told to a person, below `root`. */
function told(step: Step, root: string): object {
  const { option, list: text } = step;
  const list = option === '-m' ? text : option === '-x' ? text.replace(/[^:,]*(?=,|$)/g, '') : '';
  return { ...step, list, path: root + step.path, to: root + step.to };
}

/** @returns the step with a mode that means the same everywhere: setgid is for directories that are there. */
function plain(step: Step, world: Acting): Step {
  const isDirectory = world.find(step.path)?.directory === true;
  const bits = step.act === 'chmod' && isDirectory ? 0o3777 : step.act === 'create' ? 0o777 : 0o1777;
  return { ...step, mode: step.mode & bits };
}

/** What `getfacl -Rnp` says of a tree, as lines of one string for each inode. */
function described(world: Acting, root: string): string[] {
  const lines: string[] = [];
  const add = (at: string, inode: Inode) => {
    const flags = [inode.mode & 0o4000 ? 's' : '-', inode.mode & 0o2000 ? 's' : '-', inode.mode & 0o1000 ? 't' : '-'].join('');
    const head = [
      `# file: ${root}${at}`,
      `# owner: ${inode.owner}`,
      `# group: ${inode.group}`,
      ...(flags === '---' ? [] : [`# flags: ${flags}`]),
    ];
    lines.push([...head, ...wholeAcl({ mode: inode.mode, acl: inode.more?.acl ?? [] }).map(formatAclEntry)].join('\n'));
    if (!inode.directory) return;
    for (const child of ['a', 'b']) {
      const found = world.state.child(inode.id, child);
      if (found !== null) add(`${at}/${child}`, found);
    }
  };
  add('', world.state.root());
  return lines.sort();
}

const kernels = (root: string): string[] => execFileSync('getfacl', ['-RnpE', root], { encoding: 'utf8' }).trim().split('\n\n').sort();

/** Linux looks at no list whose mask is empty (acl-real.test.ts). */
function hasEmptyMask(world: Acting, inode: Inode): boolean {
  if (inode.more !== null && isExtended(inode.more.acl) && (inode.mode & 0o070) === 0) return true;
  const children = ['a', 'b'].map((child) => (inode.directory ? world.state.child(inode.id, child) : null));
  return children.some((child) => child !== null && hasEmptyMask(world, child));
}

/** Linux asks for write permission on a directory that gets another parent, for the sake of its `..`: there is none here. */
function movesClosedDirectory(world: Acting, { act, who, path: from, to }: Step): boolean {
  const found = world.find(from);
  const isElsewhere = path.dirname(from) !== path.dirname(to);
  return act === 'rename' && isElsewhere && found?.directory === true && !mayAccess(found, IDENTITIES[who] as Identity, WRITE);
}

/** `setfacl` sets the list of a file, and fails to give it a default one then; here it is both or none. */
function isHalfDone(world: Acting, { act, path: at, list: text }: Step): boolean {
  return act === 'setfacl' && text.includes('d:') && world.find(at)?.directory === false;
}

const PLACES = ['/a', '/b', '/a/a', '/a/b', '/b/a', '/a/a/a', '/b/a/a'];
const FILES = ['/b/b', '/a/a/b', '/b/a/b'];
const plainStep = { who: 0, to: '/a', umask: 0, wanted: 0, option: '-b', list: '' } as const;

/** What is there at first, of several owners, directories open to all or most. */
const beginning = fc
  .array(fc.record({ mode: fc.constantFrom(0o777, 0o777, 0o775, 0o2775, 0o1777), group: fc.constantFrom('3001', '3002', '3003') }), {
    minLength: PLACES.length + FILES.length,
    maxLength: PLACES.length + FILES.length,
  })
  .map((drawn) =>
    [...PLACES, ...FILES].flatMap((at, index): Step[] => {
      const { mode: bits, group } = drawn[index] as (typeof drawn)[number];
      const place = { ...plainStep, path: at, mode: bits, group };
      return [
        { ...place, act: PLACES.includes(at) ? 'mkdir' : 'create' },
        { ...place, act: 'give' },
        { ...place, act: 'chmod' },
      ];
    }),
  );

let worlds = 0;

async function compare(steps: readonly Step[]): Promise<void> {
  const root = path.join(folder, String(worlds++));
  mkdirSync(root);
  chownSync(root, 2001, 3001);
  chmodSync(root, 0o777);
  await using world = await Acting.begin();
  world.act(IDENTITIES[0] as Identity, 'setAttributes', { path: '/', owner: '2001', group: '3001', mode: 0o777 });
  for (const drawn of steps) {
    const each = plain(drawn, world);
    if (movesClosedDirectory(world, each) || isHalfDone(world, each)) continue;
    const mine = ours(world, each);
    const theirs = await (people[each.who] as Person).act(told(each, root));
    // Who may do everything may run what nobody may, as in HDFS; root may not.
    if (each.act === 'access' && each.who === 0 && (each.wanted & EXECUTE) !== 0) continue;
    // The program looks at the list before it asks, and asks for nothing where nothing changes; if it changed something, the trees differ.
    if (each.act === 'setfacl' && mine === 'EPERM') continue;
    // Of several reasons to refuse a rename, each tells another one first.
    if (each.act === 'rename' && mine !== 'done' && theirs !== 'done') continue;
    expect(`${each.act} ${mine}`).toBe(`${each.act} ${theirs}`);
    if (hasEmptyMask(world, world.state.root())) break;
  }
  expect(described(world, root)).toEqual(kernels(root));
}

test.skipIf(!isRoot)('users at work: let do the same as by this machine, which becomes the same tree', { timeout: 120_000 }, async () => {
  const life = fc.tuple(beginning, fc.array(step, { minLength: 20, maxLength: 60 })).map(([begin, steps]) => [...begin, ...steps]);
  await fc.assert(fc.asyncProperty(life, compare), { numRuns: 60 });
});
