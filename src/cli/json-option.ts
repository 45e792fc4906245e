/** The option of all commands that only look: the answer as JSON, in a shape that is written in the command's help. */
import type { Command } from 'commander';

/** @param shape what is printed, in the words of its keys. */
export function withJson(command: Command, shape: string): Command {
  return command.option('--json', 'as JSON').addHelpText('after', `\nJSON: ${shape}`);
}
