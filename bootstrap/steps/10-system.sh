# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The system: a supported one, and the packages that a backup needs.

system_title='system packages'

system_plan() {
  require_supported_system
  mapfile -t system_missing < <(missing_packages)
  found="$system_name, nothing is missing"
  if are_packages_unfinished; then todo+=('finishing an interrupted installation of packages'); fi
  if [ ${#system_missing[@]} -gt 0 ]; then todo+=("installing the packages ${system_missing[*]}"); fi
  [ ${#todo[@]} -gt 0 ] || require_restic_version
}

system_apply() {
  finish_packages
  [ ${#system_missing[@]} = 0 ] || install_packages "${system_missing[@]}"
  require_restic_version
}

require_supported_system() {
  local id='' version=''
  if [ -r /etc/os-release ]; then
    id=$(os_release ID)
    version=$(os_release VERSION_ID)
  fi
  system_name=$(os_release PRETTY_NAME)
  case "$id $version" in
    'debian 12' | 'debian 13' | 'ubuntu 22.04' | 'ubuntu 24.04') return ;;
  esac
  if [ "${TIMETILES_BOOTSTRAP_ANY_SYSTEM:-}" = 1 ] && command -v apt-get >/dev/null; then
    note "${system_name:-This system} is not one that bootstrap was made for; going on, as TIMETILES_BOOTSTRAP_ANY_SYSTEM=1 says."
    return
  fi
  fail 1 "${system_name:-this system} is not supported: bootstrap knows Debian 12 and 13, Ubuntu 22.04 and 24.04" \
    'On a relative of these with apt-get, try TIMETILES_BOOTSTRAP_ANY_SYSTEM=1. Elsewhere install by hand: docs/bootstrap.md'
}

# A value of /etc/os-release, which is a file of shell assignments. $1 the name.
# shellcheck disable=SC1091
os_release() { (unset "$1" && . /etc/os-release 2>/dev/null && printf '%s' "${!1:-}"); }

# What is missing, as names of packages.
missing_packages() {
  local pair
  for pair in restic:restic cron:cron crontab:cron flock:util-linux setpriv:util-linux logrotate:logrotate; do
    command -v "${pair%%:*}" >/dev/null || printf '%s\n' "${pair#*:}"
  done | sort -u
  [ -e /etc/ssl/certs/ca-certificates.crt ] || printf 'ca-certificates\n'
}

# The oldest restic that the tool works with.
require_restic_version() {
  local version
  version=$(restic version | awk 'NR == 1 { print $2 }')
  if [ "$(printf '0.14\n%s\n' "$version" | sort -V | head -n 1)" = 0.14 ]; then return; fi
  fail 1 "restic $version ($(command -v restic)) is too old: timetiles needs 0.14 or newer" \
    'Put a newer one into /usr/local/bin, from https://github.com/restic/restic/releases, then run bootstrap again.'
}
