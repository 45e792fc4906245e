# Completes each line that it is given as an argument, as bash does, and prints what is offered, one line for each line.
eval "$(understudy completion bash)"
compopt() { :; }
for line; do
  read -ra COMP_WORDS <<<"$line"
  [[ $line == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _understudy
  (IFS='|' && echo "${COMPREPLY[*]}")
done
