/**
 * The tree of commands as completion scripts and the manual need it: names, options, and which arguments are paths of the namespace.
 */
import type { Command } from 'commander';

export interface CommandNode {
  /** From the root, without the program's name: `fs`, `ls`. */
  readonly words: readonly string[];
  readonly description: string;
  readonly commands: readonly CommandNode[];
  /** Of all that the command takes. */
  readonly options: readonly OptionNode[];
  /** Whether arguments may be paths of the namespace. */
  readonly takesPaths: boolean;
  /** Words that an argument may be. */
  readonly choices: readonly string[];
}

interface OptionNode {
  /** `-R`, `--json`: as they are written. */
  readonly names: readonly string[];
  readonly takesValue: boolean;
  readonly description: string;
}

/** @returns the node of `command` and all below. */
export function commandTree(command: Command, words: readonly string[] = []): CommandNode {
  const help = command.createHelp();
  const named = help.visibleCommands(command).filter((below) => below.name() !== 'help');
  const args = command.registeredArguments;
  return {
    words,
    description: command.description(),
    commands: named.map((below) => commandTree(below, [...words, below.name()])),
    options: help.visibleOptions(command).map(({ short, long, required, optional, description }) => ({
      names: [short, long].filter((name) => name !== undefined),
      takesValue: required || optional,
      description,
    })),
    takesPaths: args.some((argument) => argument.name() === 'path'),
    choices: args.flatMap((argument) => argument.argChoices ?? []),
  };
}

/** @returns `node` and all below, in order. */
export function allNodes(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(allNodes)];
}
