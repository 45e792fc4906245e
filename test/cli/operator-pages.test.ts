/** What the pages for operators name is there: commands, their options, settings, files; and a change in what is printed is noticed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { allNodes, type CommandNode, commandTree } from '../../src/cli/completion/command-tree.js';
import { CommandContext } from '../../src/cli/context.js';
import { program } from '../../src/cli/program.js';
import { SETTINGS } from '../../src/config/settings.js';
import { isLike, stepsOf } from '../cluster/operator-pages.js';
import { ROOT } from '../servers/built.js';
import { wordsOf } from './transcripts/transcript.js';

const FOLDER = path.join(ROOT, 'docs', 'operations');
const pages = new Map(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.md'))
    .map((name) => [name, readFileSync(path.join(FOLDER, name), 'utf8')]),
);
/** Programs that stand for a word of `understudy`. */
const SHORT: ReadonlyMap<string, readonly string[]> = new Map([
  ['bin/understudy', []],
  ['understudy', []],
  ...['fs', 'fsadmin', 'master'].flatMap((name): [string, string[]][] => [
    [`bin/${name}`, [name]],
    [name, [name]],
  ]),
]);

/** @returns the command lines of `text` that are ours, as arguments of `understudy`. */
function oursIn(text: string): string[][] {
  const plain = text.replace(/\d?>>? ?(&\d|\S+)/g, '');
  return plain.split(/[;|&]+|\bdo\b/).flatMap((part) => {
    const [name = '', ...args] = wordsOf(part);
    const words = SHORT.get(name);
    return words === undefined ? [] : [[...words, ...args]];
  });
}

function spansOf(page: string): string[] {
  const prose = page.replace(/^```[\s\S]*?^```$/gm, '');
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
}

/** Parsed by the program's own parser, and not done. */
async function parse(args: readonly string[]): Promise<string> {
  const root = await program(new CommandContext());
  const disarm = (command: Command) => {
    command.configureOutput({ writeErr: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    for (const below of command.commands) disarm(below);
  };
  disarm(root);
  return root.parseAsync([...args], { from: 'user' }).then(
    () => '',
    (error: Error) => error.message,
  );
}

/** What is wrong with a command that prose names, perhaps without its arguments. */
function wrongIn(args: readonly string[], nodes: ReadonlyMap<string, CommandNode>): string {
  const depth = [...args.keys(), args.length].findLast((end) => nodes.has(args.slice(0, end).join(' '))) ?? 0;
  const node = nodes.get(args.slice(0, depth).join(' '));
  const next = args[depth];
  if (node === undefined || depth === 0) return `there is no such command: ${args.join(' ')}`;
  if (node.commands.length > 0 && next !== undefined && !next.startsWith('-')) return `there is no such command: ${args.join(' ')}`;
  const known = node.options.flatMap(({ names }) => names);
  const unknown = args
    .slice(depth)
    .filter((word) => /^-/.test(word) && !word.startsWith('-D') && !known.includes(word.split('=')[0] ?? ''));
  return unknown.length === 0 ? '' : `${node.words.join(' ')} has no option ${unknown}`;
}

describe.each([...pages])('docs/operations/%s', (_, page) => {
  it('every command line is one that the parser takes', async () => {
    const lines = stepsOf(page).flatMap(({ command }) => oursIn(command));
    const wrong = await Promise.all(lines.map(async (args) => ({ line: args.join(' '), error: await parse(args) })));
    expect(wrong.filter(({ error }) => error !== '')).toEqual([]);
  });

  it('every command and option that its prose names is there', async () => {
    const nodes = new Map(allNodes(commandTree(await program(new CommandContext()))).map((node) => [node.words.join(' '), node]));
    const named = spansOf(page).flatMap((span) => oursIn(span).filter((args) => args.length > 0));
    expect(named.map((args) => wrongIn(args, nodes)).filter((wrong) => wrong !== '')).toEqual([]);
  });

  it('every setting that it names is there', () => {
    const keys = new Set<string>(Object.values(SETTINGS).map(({ key }) => key));
    const named = [...page.matchAll(/(?:understudy\.|[`\s])((?:master|zookeeper|user|security|underfs)\.[a-z][a-z.]*[a-z])(?=[`=\s])/g)];
    expect(named.map(([, key = '']) => key).filter((key) => !keys.has(key))).toEqual([]);
  });

  it('every file that it links to is there', () => {
    const links = [...page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !existsSync(path.join(FOLDER, link)))).toEqual([]);
  });
});

it('every page is in the index', () => {
  const index = pages.get('README.md') ?? '';
  expect([...pages.keys()].filter((name) => name !== 'README.md' && !index.includes(`(${name})`))).toEqual([]);
});

it('every alert that is shipped is explained, and no other', () => {
  const shipped = [...readFileSync(path.join(ROOT, 'conf', 'alerts.yml'), 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const explained = [...(pages.get('monitoring.md') ?? '').matchAll(/^\| (Understudy\w+) \|/gm)].map(([, name]) => name);
  expect(shipped.length).toBeGreaterThan(5);
  expect(explained).toEqual(shipped);
});

it('what does not exist is noticed: commands, options, arguments too many', async () => {
  const nodes = new Map(allNodes(commandTree(await program(new CommandContext()))).map((node) => [node.words.join(' '), node]));
  expect(wrongIn(['fsadmin', 'leader', 'depose'], nodes)).toContain('no such command');
  expect(wrongIn(['fsadmin', 'leader', 'transfer', '--onto'], nodes)).toContain('no option --onto');
  expect(wrongIn(['fsadmin', 'leader', 'transfer', '--to', 'h:1'], nodes)).toBe('');
  expect(await parse(['fsadmin', 'leader', 'transfer', '--onto', 'h:1'])).toContain("unknown option '--onto'");
  expect(await parse(['fsadmin', 'freeze', 'now'])).toContain('too many arguments');
  expect(await parse(['fsadmin', 'freeze', '--reason', 'x'])).toBe('');
});

it('what is printed otherwise is noticed; other numbers, times, widths and what is left out are not', () => {
  expect(isLike('New leader: 10.0.0.12:19998, epoch 7\n', 'New leader: 10.0.0.12:19998, epoch 2\n')).toBe(true);
  expect(isLike('New leader: 10.0.0.13:19998, epoch 2\n', 'New leader: 10.0.0.12:19998, epoch 2\n')).toBe(false);
  expect(isLike('503\n', '200\n')).toBe(false);
  expect(isLike('a   b\n', 'a b\n')).toBe(true);
  expect(isLike('a\nb\nc\n', 'a\n…\nc\n')).toBe(true);
  expect(isLike('a\nb\n', 'a\n…\nc\n')).toBe(false);
  expect(isLike('exit code 1\n', '')).toBe(false);
});
