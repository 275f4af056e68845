# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# Words to the operator: progress on stdout, errors on stderr.

say() { printf '%s\n' "$*"; }
note() { printf '      %s\n' "$*"; }

# Ends the run. $1 the exit code, $2 what is wrong, $3 what to do about it.
fail() {
  printf 'Error: %s\n%s\n' "$2" "$3" >&2
  exit "$1"
}

# $1 what has to be there: an option's value.
require_value() { [ -n "${2:-}" ] || fail 2 "$1 needs a value" "See $program --help"; }

# Joins its words with the first one between them.
join_with() {
  local between=$1 first=${2:-} word
  shift
  [ $# = 0 ] || shift
  printf '%s' "$first"
  for word in "$@"; do printf '%s%s' "$between" "$word"; done
}
