/**
 * `understudy completion`: scripts by which shells complete command lines, and the paths that they ask for.
 */
import { Argument, Command } from 'commander';
import { print } from '../output.js';
import { bashScript } from './bash-script.js';
import { commandTree } from './command-tree.js';
import { zshScript } from './zsh-script.js';

const SCRIPTS = { bash: bashScript, zsh: zshScript };

const HELP = `
For bash, in ~/.bashrc:  eval "$(understudy completion bash)"
For zsh, in ~/.zshrc:    eval "$(understudy completion zsh)"`;

export function completionCommand(): Command {
  const command = new Command('completion')
    .description('print a script by which a shell completes command lines, paths of the namespace included')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', HELP);
  return command.action((shell: keyof typeof SCRIPTS) => {
    let root: Command = command;
    while (root.parent !== null) root = root.parent;
    return print(SCRIPTS[shell](commandTree(root)));
  });
}
