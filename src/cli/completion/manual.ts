/**
 * The manual of the command line, out of the tree of commands: docs/cli.md.
 */
import type { Command } from 'commander';
import { EXIT_HELP } from '../exit-code.js';

const HEAD = `# The command line

Every command, as its \`--help\` tells it; made out of the commands themselves by \`npm run golden\`, so do not edit it. \`bin/fs\` stands for
\`understudy fs\`, \`bin/fsadmin\` for \`understudy fsadmin\`, \`bin/master\` for \`understudy master\`.

Paths of the namespace may have wildcards, as in Hadoop: \`*\` and \`?\` within a name, \`[a-c]\` and \`[^a-c]\`, \`{a,b/c}\`; a \`\\\` takes their meaning
away. Quote them from the shell. What matches nothing is an error; of several paths, one that fails does not keep a command from the others.

Commands that only look take \`--json\`. Keys stay as they are told here from release to release; others may be added. Times are Unix
milliseconds, sizes bytes. What is an array is printed with one line for each of its values, as it comes, and is empty where nothing was found.
`;

/** Options that every command takes, told once. */
const COMMON: ReadonlySet<string> = new Set(['-D', '--conf', '--debug', '--help']);

/** @returns the whole manual of `root`, in Markdown. */
export function manual(root: Command): string {
  const common = root
    .createHelp()
    .visibleOptions(root)
    .filter((option) => COMMON.has(option.long ?? option.short ?? ''));
  const options = common.map(({ flags, description }) => `- \`${flags}\`: ${description}`);
  const parts = [
    HEAD,
    '## Options of all commands',
    '',
    ...options,
    '',
    '## Exit codes',
    '',
    codeBlock(EXIT_HELP.trim().split('\n').slice(1).join('\n')),
  ];
  return `${[...parts, ...sections(root, root.name(), 2)].join('\n')}\n`;
}

function sections(command: Command, name: string, depth: number): string[] {
  const help = command.createHelp();
  return help
    .visibleCommands(command)
    .filter((below) => below.name() !== 'help')
    .flatMap((below) => {
      const full = `${name} ${below.name()}`;
      const isGroup = below.commands.length > 0;
      const text = isGroup ? [] : [codeBlock(helpOf(below))];
      return [
        '',
        `${'#'.repeat(depth)} ${full}`,
        '',
        `${below.description()}.`,
        '',
        ...text,
        ...(isGroup ? sections(below, full, depth + 1) : []),
      ];
    });
}

/** @returns usage, own options and remarks. */
function helpOf(command: Command): string {
  const help = command.createHelp();
  const own = help
    .visibleOptions(command)
    .filter(
      (option) => (!COMMON.has(option.long ?? option.short ?? '') && option.short !== '-h') || option.description.startsWith('sizes'),
    );
  const rows = [
    ...help.visibleArguments(command).map((argument) => [argument.name(), help.argumentDescription(argument)]),
    ...own.map((option) => [option.flags, help.optionDescription(option)]),
  ];
  const width = Math.max(0, ...rows.map(([left = '']) => left.length));
  const table = rows.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
  return [help.commandUsage(command), ...(table.length > 0 ? ['', ...table] : []), ...remarksOf(command)].join('\n');
}

/** What was added behind the help. */
function remarksOf(command: Command): string[] {
  const parts: string[] = [];
  command.configureOutput({ writeOut: (part) => parts.push(part) });
  command.outputHelp();
  const remarks = parts.join('').slice(command.helpInformation().length).replace(EXIT_HELP, '').trim();
  return remarks === '' ? [] : ['', remarks];
}

const codeBlock = (text: string): string => `\`\`\`text\n${text}\n\`\`\``;
