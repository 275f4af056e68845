# shellcheck shell=bash
# Completion of timetiles for bash 4.4 and newer. The tool itself says what may follow: timetiles completion --help

_timetiles() {
  # $2 is the word up to the cursor, without the --flag= that bash takes for words of their own.
  local current=$2 answer word index
  local -a words=("${COMP_WORDS[@]:1:COMP_CWORD-1}") descriptions=()
  [ "${COMP_WORDS[COMP_CWORD]}" != '=' ] || words+=('=')
  COMPREPLY=()
  while IFS= read -r answer; do
    case $answer in
      :files) compopt -o default ;;
      :directories) compopt -o dirnames ;;
      *)
        word=${answer%%$'\t'*}
        [[ $word == "$current"* ]] || continue
        COMPREPLY+=("$word")
        descriptions+=("${answer#*$'\t'}")
        ;;
    esac
  done < <("$1" --complete-words "${words[@]}" "$current" 2>/dev/null </dev/null)
  compopt -o nosort
  # bash knows no descriptions. Where it only lists (a second Tab), they can stand behind the words: nothing is inserted then.
  if [ "${COMP_TYPE:-}" = 63 ] && [ ${#COMPREPLY[@]} -gt 1 ]; then
    for index in "${!COMPREPLY[@]}"; do
      printf -v answer '%-21s  %s' "${COMPREPLY[index]}" "${descriptions[index]}"
      COMPREPLY[index]=${answer:0:$((${COLUMNS:-80} - 2))}
    done
  fi
}

complete -F _timetiles timetiles
