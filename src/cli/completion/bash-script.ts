/**
 * The completion script for bash, with all commands and options in it: only for paths is the program asked.
 */
import { allNodes, type CommandNode } from './command-tree.js';

export function bashScript(root: CommandNode): string {
  return `# Completion of understudy for bash: eval "$(understudy completion bash)"
_understudy() {
  local current=\${COMP_WORDS[COMP_CWORD]} at='' word words='' values='' paths=no i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$at $word" in
${caseOfCommands(root)}
    esac
  done
  case "$at" in
${allNodes(root).map(caseOfNode).join('\n')}
  esac
  COMPREPLY=()
  case " $values " in
    *" \${COMP_WORDS[COMP_CWORD - 1]} "*) return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  elif [[ $paths == yes && ( $current == /* || -z $current ) ]]; then
    local IFS=$'\\n'
    COMPREPLY=($("\${COMP_WORDS[0]}" fs complete "\${current:-/}" 2>/dev/null))
    if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]]; then compopt -o nospace 2>/dev/null; fi
    local j
    for j in "\${!COMPREPLY[@]}"; do printf -v "COMPREPLY[$j]" '%q' "\${COMPREPLY[$j]}"; done
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -F _understudy understudy`;
}

/** How one goes down the tree, word by word. */
function caseOfCommands(root: CommandNode): string {
  const below = allNodes(root).filter(({ words }) => words.length > 0);
  return below.map(({ words }) => `      '${words.slice(0, -1).join(' ')} ${words.at(-1)}') at='${words.join(' ')}' ;;`).join('\n');
}

function caseOfNode({ words, commands, options, takesPaths, choices }: CommandNode): string {
  const names = options.flatMap((option) => option.names);
  const values = options.filter((option) => option.takesValue).flatMap((option) => option.names);
  const all = [...commands.map((command) => command.words.at(-1) ?? ''), ...choices, ...names];
  return `    '${words.join(' ')}') words='${all.join(' ')}' values='${values.join(' ')}' paths=${takesPaths ? 'yes' : 'no'} ;;`;
}
