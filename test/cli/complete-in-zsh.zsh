# Types each line that it is given as an argument into an interactive zsh, presses the tab key, and prints what stands there then.
zmodload zsh/zpty
results=$(mktemp)
export results
zpty shell zsh -f -i
zpty -w shell 'PS1= ; eval "$(understudy completion zsh)"; show() { print -r -- "$BUFFER" >>$results; BUFFER= ; }; zle -N show; bindkey "^T" show; print REA""DY'
zpty -r shell told '*READY*' >/dev/null
done_lines=0
for line; do
  zpty -w -n shell "$line"$'\t\x14'
  (( done_lines += 1 ))
  for try in {1..400}; do
    zpty -r -t shell told >/dev/null
    (( $(wc -l <$results) >= done_lines )) && break
    sleep 0.05
  done
done
cat $results
rm -f $results
zpty -d shell
