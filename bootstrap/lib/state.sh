# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# What is done: a line a step in TIMETILES_HOME/state/bootstrap.steps with time, version of the tool and a note, separated by
# tabs. Most steps look at the server itself; the file decides only where that cannot tell.

state_file() { printf '%s/state/bootstrap.steps' "$home"; }

# The note of a step; fails when the step is not recorded. $1 the step's name.
state_note() {
  local name _time _version text
  [ -r "$(state_file)" ] || return 1
  while IFS=$'\t' read -r name _time _version text; do
    if [ "$name" = "$1" ]; then
      printf '%s' "$text"
      return 0
    fi
  done <"$(state_file)"
  return 1
}

# Whether a step is recorded with this note. $1 the step's name, $2 the note.
is_recorded() {
  local text
  text=$(state_note "$1") && [ "$text" = "${2:-}" ]
}

# Records a step as done. $1 its name, $2 a note.
state_record() {
  local file temporary
  file=$(state_file)
  make_home
  [ -d "$home/state" ] || mkdir -m 0700 "$home/state"
  temporary=$(mktemp "$file.timetiles-XXXXXX")
  if [ -e "$file" ]; then awk -F '\t' -v name="$1" '$1 != name' "$file" >"$temporary"; fi
  printf '%s\t%s\t%s\t%s\n' "$1" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(installed_version)" "${2:-}" >>"$temporary"
  mv "$temporary" "$file"
}

# The directory belongs to root alone; one that exists stays as it is, since the app may live there too.
make_home() {
  if [ -d "$home" ]; then return; fi
  (umask 022 && mkdir -p "$(dirname "$home")")
  mkdir -m 0700 "$home"
}
