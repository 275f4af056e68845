#compdef timetiles
# Completion of timetiles for zsh. The tool itself says what may follow: timetiles completion --help

_timetiles() {
  local answer description
  local -a answers candidates
  answers=("${(@f)$("${(Q)words[1]}" --complete-words "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}")
  # What stands before the value of --flag=value is none of the completion's business.
  [[ $PREFIX != --*=* ]] || compset -P 1 '*='
  case $answers[1] in
    :files) _files ;;
    :directories) _files -/ ;;
    ?*)
      for answer in $answers; do
        description=${answer#*$'\t'}
        candidates+=("${${answer%%$'\t'*}//:/\\:}${description:+:$description}")
      done
      _describe -V timetiles candidates
      ;;
  esac
}

# As a file of fpath it is the function itself; sourced, it has to make itself known.
if [[ $funcstack[1] == _timetiles ]]; then _timetiles "$@"; else compdef _timetiles timetiles; fi
