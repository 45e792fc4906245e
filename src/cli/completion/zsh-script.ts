/**
 * The completion script for zsh, with all commands and options and what they are for: only for paths is the program asked.
 */
import { allNodes, type CommandNode } from './command-tree.js';

export function zshScript(root: CommandNode): string {
  return `#compdef understudy
# Completion of understudy for zsh: eval "$(understudy completion zsh)"
_understudy() {
  local at='' word paths=no
  local -a told options values found
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    case "$at $word" in
${allNodes(root)
  .filter(({ words }) => words.length > 0)
  .map(({ words }) => `      '${words.slice(0, -1).join(' ')} ${words.at(-1)}') at='${words.join(' ')}' ;;`)
  .join('\n')}
    esac
  done
  case "$at" in
${allNodes(root).map(caseOfNode).join('\n')}
  esac
  if (( \${values[(Ie)\${words[CURRENT - 1]}]} )); then return 1; fi
  if [[ $paths == yes && \${words[CURRENT]} != -* ]]; then
    found=("\${(@f)$("\${words[1]}" fs complete "\${\${(Q)words[CURRENT]}:-/}" 2>/dev/null)}")
    found=(\${found:#})
    (( \${#found} )) && compadd -S '' -- "\${found[@]}"
    return
  fi
  if [[ \${words[CURRENT]} == -* ]]; then _describe -o 'option' options; else _describe 'command' told; fi
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then
  _understudy "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit -u; }
  compdef _understudy understudy
fi`;
}

function caseOfNode({ words, commands, options, takesPaths, choices }: CommandNode): string {
  const told = [
    ...commands.map(({ words: below, description }) => describe(below.at(-1) ?? '', description)),
    ...choices.map((choice) => quoted(choice)),
  ];
  const written = options.flatMap(({ names, description }) => names.map((name) => describe(name, description)));
  const values = options.filter(({ takesValue }) => takesValue).flatMap(({ names }) => names.map(quoted));
  return `    '${words.join(' ')}')
      told=(${told.join(' ')})
      options=(${written.join(' ')})
      values=(${values.join(' ')}) paths=${takesPaths ? 'yes' : 'no'} ;;`;
}

const describe = (name: string, description: string): string => quoted(`${name}:${description.replaceAll(':', '\\:')}`);

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
