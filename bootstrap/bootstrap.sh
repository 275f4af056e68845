#!/usr/bin/env bash
# From a bare server to nightly, verified, offsite backups: bootstrap/bootstrap.sh --help
# Every step looks at what is there and does what is missing, so it can be interrupted and run again at will.
# shellcheck disable=SC2154 # the files below share their variables with this one
set -euo pipefail

program=$0
bootstrap_directory=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# All of it is read at once: an upgrade may replace these very files.
for file in "$bootstrap_directory"/lib/*.sh "$bootstrap_directory"/steps/[0-9][0-9]-*.sh; do
  # shellcheck source=/dev/null
  . "$file"
done

main() {
  read_options "$@"
  if [ "$list" = yes ]; then
    list_steps
    return
  fi
  require_root
  umask 077
  take_lock
  # Not before: what lies there is that of the run which has the lock.
  trap finish EXIT
  trap interrupt INT TERM HUP
  prepare
  confirm_start
  run_steps
  summarize
}

require_root() {
  if [ "$EUID" != 0 ]; then
    fail 1 'bootstrap needs root, since it installs packages and writes to /usr/local and /etc' "Run it with sudo: sudo $program"
  fi
}

take_lock() {
  exec 9>/run/timetiles-bootstrap.lock
  flock --nonblock 9 || fail 4 'another bootstrap is running on this server' 'Wait until it has ended, then run this one if it is still needed.'
}

# Looks for mistakes before anything is changed, and removes what killed runs left.
prepare() {
  make_work_directory
  find_configuration
  check_configuration_early
  if [ "$dry_run" = yes ]; then return; fi
  remove_stale_policy
  remove_incoming
}

run_steps() {
  local index name
  for index in "${!step_names[@]}"; do
    name=${step_names[index]}
    current_step="[$((index + 1))/${#step_names[@]}] $name"
    if is_wanted "$index"; then run_step "$name" "${name//-/_}"; else say "$current_step: left out"; fi
  done
  current_step=
}

# $1 the step's name, $2 how its functions begin.
run_step() {
  local words
  todo=()
  remarks=()
  passes=yes
  found=
  "$2_plan"
  words=$(join_with '; ' "${todo[@]}")
  if [ "$dry_run" = yes ] && [ -n "$words" ]; then words="to do: $words"; fi
  say "$current_step: ${words:-${found:-nothing to do}}"
  if [ ${#remarks[@]} -gt 0 ]; then printf '      %s\n' "${remarks[@]}"; fi
  if [ "$dry_run" = yes ]; then return; fi
  if [ ${#todo[@]} -gt 0 ]; then
    is_check=no
    "$2_apply"
    [ "$is_check" = yes ] || done_steps+=("$1: $words")
  fi
  [ "$passes" = no ] || passed_steps+=("$1")
  record_passed
}

# The first steps pass before there is a directory to record them in.
record_passed() {
  local name
  [ -d "$home" ] || return 0
  for name in "${passed_steps[@]}"; do state_note "$name" >/dev/null || state_record "$name"; done
  passed_steps=()
}

# Runs at the end, whatever the end is.
finish() {
  local status=$?
  trap '' INT TERM HUP
  release_services
  rm -rf "$work_directory"
  if [ "$dry_run" = no ]; then remove_incoming; fi
  if [ "$status" = 0 ] || [ -z "$current_step" ]; then exit "$status"; fi
  {
    printf 'Bootstrap stopped at %s. What was done before stays:\n' "$current_step"
    printf '  %s\n' "${done_steps[@]:-nothing was changed in this run}"
    printf 'Go on with: %s\n' "$again"
  } >&2
  case $status in 1 | 2 | 4 | 130) exit "$status" ;; *) exit 1 ;; esac
}

main "$@"
