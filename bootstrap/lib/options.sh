# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The command line, and what it says about each step.

home=${TIMETILES_HOME:-/opt/timetiles}
config_option='' tool_spec='' only='' from=''
skipped=()
dry_run=no interactive=yes offsite=no restore_test=no list=no
current_step=''
done_steps=() passed_steps=()

# Numbers and names of the steps, of the files that hold them.
step_numbers=()
step_names=()
for file in "$bootstrap_directory"/steps/[0-9][0-9]-*.sh; do
  file=${file##*/}
  step_numbers+=("${file%%-*}")
  file=${file#*-}
  step_names+=("${file%.sh}")
done

usage() {
  cat <<END
From a bare server to nightly, verified backups of its compose project. Run it as root; run it again at any time.

  $program [--config FILE] [--home DIR] [--tool SPEC] [OPTIONS]

  --config FILE      the configuration to install, when there is none yet
                     (default: bootstrap.conf beside this release or checkout, if it exists)
  --home DIR         the installation directory (default: \$TIMETILES_HOME, else /opt/timetiles)
  --tool SPEC        install this: a release directory, a .tgz, or an npm package such as timetiles@0.1.0
                     (default: what this script lies in)
  --offsite          demand an offsite copy: without RESTIC_OFFSITE_REPOSITORY nothing is done
  --restore-test     at the end restore the first set into a throwaway server, and compare
  --dry-run          say what would be done, and change nothing
  --non-interactive  ask nothing
  --step N           this step alone, by number or name
  --from N           this step and those after it
  --skip N,…         all but these
  --list             the steps
  --help             this text

Examples:
  sudo $program --config bootstrap.conf
  sudo $program --dry-run
  sudo $program --from doctor --restore-test

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 4 another bootstrap is running, 130 interrupted.
END
}

read_options() {
  again="sudo$(printf ' %q' "$program" "$@")"
  while [ $# -gt 0 ]; do
    case $1 in
      --config | --home | --tool | --step | --from | --skip) require_value "$1" "${2:-}" ;;
    esac
    case $1 in
      --config) config_option=$2; shift ;;
      --home) home=$2; shift ;;
      --tool) tool_spec=$2; shift ;;
      --step) only=$(step_index "$2"); shift ;;
      --from) from=$(step_index "$2"); shift ;;
      --skip) read_skipped "$2"; shift ;;
      --dry-run) dry_run=yes ;;
      --non-interactive) interactive=no ;;
      --offsite) offsite=yes ;;
      --restore-test) restore_test=yes ;;
      --list) list=yes ;;
      --help | -h) usage; exit 0 ;;
      *) fail 2 "bootstrap does not know $1" "See $program --help" ;;
    esac
    shift
  done
  [[ $home = /* ]] || fail 2 "--home $home is no absolute path" 'Name the installation directory from / on, such as /opt/timetiles.'
  # Spaces and the like would break crontabs and links of others; nothing is gained by them.
  [[ $home =~ ^[A-Za-z0-9/._+@-]+$ ]] || fail 2 "--home $home holds a character that may not be in it" 'Use letters, digits and . _ + @ - alone.'
  home=${home%/}
  [ -z "$only" ] || [ -z "$from$(join_with , "${skipped[@]}")" ] || fail 2 '--step stands alone: it excludes --from and --skip' "See $program --help"
  [ -t 0 ] && [ -t 1 ] || interactive=no
}

# The position of a step. $1 its number or name.
step_index() {
  local index
  for index in "${!step_names[@]}"; do
    if [ "${step_names[index]}" = "$1" ] || [ "${step_numbers[index]}" = "$1" ]; then
      printf '%s' "$index"
      return
    fi
  done
  fail 2 "there is no step $1" "See $program --list"
}

read_skipped() {
  local words word index
  IFS=, read -ra words <<<"$1"
  for word in "${words[@]}"; do
    index=$(step_index "$word")
    skipped+=("$index")
  done
}

# Whether the command line leaves a step in. $1 its position.
is_wanted() {
  local index
  if [ -n "$only" ]; then [ "$only" = "$1" ]; return; fi
  if [ -n "$from" ] && [ "$1" -lt "$from" ]; then return 1; fi
  for index in "${skipped[@]}"; do
    if [ "$index" = "$1" ]; then return 1; fi
  done
}

list_steps() {
  local index title
  for index in "${!step_names[@]}"; do
    title=${step_names[index]//-/_}_title
    printf '%s  %-14s  %s\n' "${step_numbers[index]}" "${step_names[index]}" "${!title}"
  done
}
