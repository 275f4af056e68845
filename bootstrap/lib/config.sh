# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The configuration: only the tool reads values. No value of it is ever run, printed or put on a command line here.

# What is to be installed as bootstrap.conf; empty when there is one already.
config_to_install=
settings=

find_configuration() {
  local own
  own=$(dirname "$bootstrap_directory")/bootstrap.conf
  set_tool_environment
  local variable
  for variable in RESTIC_PASSWORD RESTIC_PASSWORD_FILE RESTIC_PASSWORD_COMMAND; do
    [ -z "${!variable:-}" ] || fail 2 "$variable is set in this shell alone, where the nightly backups will not find it" \
      "Write it into the configuration, unset $variable, then run bootstrap again."
  done
  if [ -n "$config_option" ]; then
    [ -f "$config_option" ] || fail 2 "--config $config_option is no file" 'Name the file that bootstrap.conf.example became.'
    config_option=$(readlink -f "$config_option")
  fi
  [ -e "$home/bootstrap.conf" ] && return
  if [ -n "$config_option" ]; then config_to_install=$config_option; elif [ -f "$own" ]; then config_to_install=$own; fi
}

# Checks files as they will be read. $1 a program of the tool, $2 the file to come; says on stderr what is wrong, and ends as the tool does.
check_configuration() {
  local file words status=0
  for file in "${2:-$home/bootstrap.conf}" "$home/.env.production"; do
    [ -e "$file" ] || continue
    words=$("$1" config check "$file" 2>&1 </dev/null) || status=$?
    if [ "$status" != 0 ]; then
      printf '%s\n' "$words" >&2
      return "$status"
    fi
  done
}

# Where what is to be installed can run already, mistakes are found before anything is changed; else before it is installed. A version
# that is installed already is not asked: it may not know yet what the new one knows.
check_configuration_early() {
  local release status=0
  release=${tool_spec:-$(dirname "$bootstrap_directory")}
  "$release/bin/timetiles" config check "$release/bootstrap.conf.example" >/dev/null 2>&1 </dev/null || return 0
  check_configuration "$release/bin/timetiles" "$config_to_install" || status=$?
  [ "$status" != 2 ] || fail 2 'the configuration is no good, see above; nothing was changed' 'Correct it, then run bootstrap again.'
}

# Asks the tool for the values in effect, those of the file to come included.
load_settings() {
  local place
  if [ -z "$config_to_install" ] || [ -e "$home/bootstrap.conf" ]; then
    settings=$(tool config show --json) || tool_failed $? 'the configuration cannot be read' 'Correct it, then run bootstrap again.'
    return
  fi
  place=$(mktemp -d -p "$work_directory")
  cp "$config_to_install" "$place/bootstrap.conf"
  if [ -e "$home/.env.production" ]; then cp "$home/.env.production" "$place/.env.production"; fi
  settings=$(env TIMETILES_HOME="$place" "$(current_release)/bin/timetiles" config show --json) || true
  rm -rf "$place"
  [ -n "$settings" ] || fail 2 'the configuration cannot be read, see above' 'Correct it, then run bootstrap again.'
}

# One value in effect; a secret is three stars, and nothing is empty. $1 the key.
setting() { json "d.values.find(({key}) => key === '$1')?.value" <<<"$settings"; }

# Where a value comes from: default, file or environment. $1 the key.
origin_of() { json "d.values.find(({key}) => key === '$1')?.origin.kind" <<<"$settings"; }

has_password() {
  [ "$(json "d.values.some(({key, value}) => /^RESTIC_PASSWORD(_FILE|_COMMAND)?$/.test(key) && value !== null)" <<<"$settings")" = true ]
}

# The names of keys whose lines differ between two files, without any value.
differing_keys() {
  awk '
    match($0, /^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t]*=/) {
      key = $0; sub(/^[ \t]*(export[ \t]+)?/, "", key); sub(/[ \t]*=.*/, "", key)
      if (FILENAME == ARGV[1]) first[key] = $0; else second[key] = $0
    }
    END {
      for (key in first) if (!(key in second)) print key " (only in the file that was named)"; else if (first[key] != second[key]) print key " (another value)"
      for (key in second) if (!(key in first)) print key " (only in the installed file)"
    }' "$1" "$2" | sort
}
