#!/usr/bin/env bash
# Takes away what bootstrap installed: bootstrap/uninstall.sh --help
# Repositories, passwords and configuration stay, unless one says twice that they shall go. Packages stay.
# shellcheck disable=SC2034,SC2154 # the files below share their variables with this one
set -euo pipefail

program=$0
bootstrap_directory=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
for file in "$bootstrap_directory"/lib/*.sh; do
  # shellcheck source=/dev/null
  . "$file"
done
# Read before this very file goes.
rotation_steps=$bootstrap_directory/steps/80-schedule.sh
# shellcheck source=/dev/null
. "$rotation_steps"

purge_words='delete all backups'
purge_flags=0

usage() {
  cat <<END
Takes away what bootstrap installed: the schedule, the tool, its links, the rules for its logs.
Repositories, passwords, configuration and packages stay.

  $program [--home DIR] [--delete-repositories-and-passwords --delete-repositories-and-passwords]

  --home DIR    the installation directory (default: \$TIMETILES_HOME, else the one that is installed)
  --delete-repositories-and-passwords
                also delete the local repository, bootstrap.conf, the state and the password that bootstrap made;
                to be given twice. On a terminal, given once, it asks twice. What is offsite is not touched, but cannot be read without the password.
  --help        this text

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 bootstrap is running, 130 interrupted or declined.
END
}

main() {
  read_uninstall_options "$@"
  if [ "$EUID" != 0 ]; then fail 1 'uninstalling needs root' "Run it with sudo: sudo $program"; fi
  exec 9>/run/timetiles-bootstrap.lock
  flock --nonblock 9 || fail 4 'a bootstrap is running on this server' 'Wait until it has ended.'
  trap interrupt INT TERM HUP
  set_tool_environment
  make_work_directory
  trap 'rm -rf "$work_directory"' EXIT
  confirm_purge
  find_data
  remove_schedule
  remove_tool
  if [ "$purge_flags" -ge 2 ]; then purge_data; else say_what_stays; fi
}

read_uninstall_options() {
  local named=no
  [ -z "${TIMETILES_HOME:-}" ] || named=yes
  while [ $# -gt 0 ]; do
    case $1 in
      --home) require_value "$1" "${2:-}"; home=${2%/}; named=yes; shift ;;
      --delete-repositories-and-passwords) purge_flags=$((purge_flags + 1)) ;;
      --help | -h) usage; exit 0 ;;
      *) fail 2 "uninstall does not know $1" "See $program --help" ;;
    esac
    shift
  done
  [[ $home = /*[!/]* ]] || fail 2 "--home $home is no absolute path of a directory" 'Name the installation directory, such as /opt/timetiles.'
  if [ "$named" = no ]; then find_home; fi
  [ "$named" = no ] || [ -d "$home" ] || fail 2 "there is no directory $home" "Name the installation directory with --home. Here is: $(installed_homes | tr '\n' ' ')"
}

# Said once, it has to be said again.
confirm_purge() {
  local answer round
  if [ "$purge_flags" != 1 ]; then return; fi
  if ! { [ -t 0 ] && [ -t 1 ]; }; then
    fail 2 'repositories and passwords are only deleted when one says so twice' 'Give --delete-repositories-and-passwords twice, or leave it out.'
  fi
  for round in 1 2; do
    read -r -p "($round of 2) No backup on this server can be read after this. Type \"$purge_words\": " answer || answer=
    [ "$answer" = "$purge_words" ] || fail 130 'declined' 'Nothing was changed.'
  done
  purge_flags=2
}

# Where the data lies, while there is a tool that can tell.
find_data() {
  repository=$home/backups/restic-repo
  if [ -z "$(installed_version)" ]; then return; fi
  if settings=$(tool config show --json 2>/dev/null); then repository=$(setting RESTIC_REPOSITORY); fi
}

# Whether root's crontab has lines of this installation, in whatever state.
has_schedule() {
  crontab -l 2>/dev/null | tr -d '\r' | awk -v home="$home" '/^# timetiles (begin|end) / && $NF == home { found = 1 } END { exit !found }'
}

remove_schedule() {
  if has_schedule; then
    if [ -n "$(installed_version)" ]; then
      run_tool backup auto --disable --yes || fail 1 'the schedule could not be taken out of the crontab, see above' "Take the lines of timetiles out with crontab -e, then run $program again."
    else
      say 'The tool is gone already; take the lines of timetiles out with crontab -e.'
    fi
  fi
  if [ -e "$rotation" ] && [ -z "$(other_home)" ]; then
    rm -f "$rotation"
    say "Removed $rotation"
  elif [ -e "$rotation" ]; then
    say "$rotation stays: $(other_home) has timetiles too"
  fi
}

remove_tool() {
  local link
  while IFS= read -r link; do
    rm -f "$link"
    say "Removed $link"
  done < <(our_links)
  give_name_back
  if [ -d "$(tool_directory)" ]; then
    rm -rf "$(tool_directory)"
    say "Removed $(tool_directory)"
  fi
  rm -f "$(state_file)"
}

say_what_stays() {
  say 'What stays:'
  [ ! -e "$repository/config" ] || say "  the repository     $repository"
  [ ! -d "$home" ] || say "  configuration      $home (bootstrap.conf, .env.production, state)"
  say '  packages           restic, cron, Docker and the like'
  say 'Plain restic reads the repository; it asks for RESTIC_PASSWORD, which is in the configuration:'
  say "  restic --repo $repository snapshots"
  say "bootstrap/bootstrap.sh installs the tool again, with the same password and repository."
}

# The lines that bootstrap wrote; the others are the app's.
remove_password() {
  local file=$home/.env.production kept
  [ -f "$file" ] || return 0
  kept=$(mktemp -p "$work_directory")
  awk '/^# .* made by the bootstrap of timetiles\./ { getline; if ($0 !~ /^RESTIC_PASSWORD=/) print; next } { print }' "$file" >"$kept"
  # Written in place: owner and mode stay.
  if [ -s "$kept" ]; then cat "$kept" >"$file"; else rm -f "$file"; fi
  rm -f "$kept"
  if grep -qs '^RESTIC_PASSWORD' "$file"; then say "$file holds a password that bootstrap did not make; it stays."; fi
}

# Only what is known to be a repository, and only the files that bootstrap and the tool made.
purge_data() {
  if [ -e "$repository/config" ] && [ -d "$repository/snapshots" ] && [ -d "$repository/keys" ]; then
    rm -rf "$repository"
    say "Deleted $repository"
  fi
  rm -rf "$home/state"
  rm -f "$home/bootstrap.conf" "$home/alerts.log"
  remove_password
  rmdir "$home/backups" "$home" 2>/dev/null || true
  say 'Repositories, configuration and state are deleted. What is offsite was not touched.'
}

main "$@"
