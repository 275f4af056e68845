#!/usr/bin/env bash
# Installs what a fresh clone on a Debian or Ubuntu machine lacks, and says nothing when nothing is missing.
#   node: the npm packages, Node 24 among them, and the build
#   all:  also the Debian packages behind the tests with real parts (needs root)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mode=${1:-}
case $mode in
  node | all) ;;
  *)
    echo "usage: $0 node|all" >&2
    exit 2
    ;;
esac

say() { printf 'prepare: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# npm run puts this project's own programs first, but those are just what may have to be replaced. Nor may what npm
# tells its scripts about this run lead another npm astray.
machine_path=$(tr ':' '\n' <<<"$PATH" | grep -v 'node_modules/\.bin$' | paste -sd:)
on_machine() {
  env -u INIT_CWD -u npm_config_local_prefix -u npm_package_json PATH="$machine_path" "$@"
}

# What a step prints is of interest only when it fails.
quietly() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 && return
  cat "$log" >&2
  return 1
}

lock() {
  mkdir -p .cache
  exec 9>.cache/prepare.lock
  flock --exclusive 9
}

install_npm_packages() {
  local digest stamp=node_modules/.timetiles-lock-digest
  digest=$(sha256sum <package-lock.json)
  if [ -f "$stamp" ] && [ "$(<"$stamp")" = "$digest" ]; then return; fi
  # Someone may just have run npm by hand: npm's own note of what it installed is then as new as the lock file.
  if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    on_machine npm --version >/dev/null 2>&1 || fail 'npm is missing: install Node 18 or newer with npm 9 or newer.'
    say 'installing npm packages (npm ci)'
    # Versions of npm differ in which packages' scripts they run. The only one that is needed runs below.
    quietly .cache/npm.log on_machine npm ci --ignore-scripts --no-audit --no-fund --loglevel=error ||
      fail 'npm ci failed, see above.'
  fi
  printf '%s\n' "$digest" >"$stamp"
}

runs_node_24() { [[ $(node_modules/.bin/node --version 2>/dev/null) == v24.* ]]; }

install_node_package() { (cd node_modules/node && on_machine node installArchSpecificPackage.js); }

install_node() {
  if runs_node_24; then return; fi
  say 'installing Node 24 into node_modules'
  quietly .cache/node.log install_node_package || fail 'Node 24 could not be installed, see above.'
  ln -sf ../node/bin/node node_modules/.bin/node
  runs_node_24 || fail 'node_modules/.bin/node does not run as Node 24. Remove node_modules and try again.'
}

is_built() {
  [ -d dist ] && [ -d share ] && [ -f oclif.manifest.json ] &&
    [ -z "$(find src bin .build package.json bootstrap.conf.example -newer oclif.manifest.json -print -quit)" ]
}

build() {
  if is_built; then return; fi
  say 'building (npm run build)'
  if quietly .cache/build.log env PATH="$PWD/node_modules/.bin:$machine_path" npm run --silent build; then return; fi
  # The checks say more about a broken source than this script can; only the tests with the built tool cannot do without.
  [ "$mode" = node ] || fail 'npm run build failed, see above.'
  say 'npm run build failed, see above; going on without a build.'
}

# What is missing, as package names of Debian and Ubuntu.
missing_packages() {
  local pair
  for pair in dockerd:docker.io docker:docker-client mmdebstrap:mmdebstrap tmux:tmux setfattr:attr \
    mkfs.ext4:e2fsprogs mount:mount flock:util-linux script:bsdutils openssl:openssl logrotate:logrotate cron:cron crontab:cron unshare:util-linux \
    ip:iproute2 iptables:iptables slirp4netns:slirp4netns \
    shellcheck:shellcheck zsh:zsh fish:fish man:man-db mandoc:mandoc; do
    command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
  done
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
  # Where the kernel uses AppArmor the engine cannot start a container without its tool.
  if grep -qs Y /sys/module/apparmor/parameters/enabled && ! command -v apparmor_parser >/dev/null; then
    echo apparmor
  fi
}

install_debian_packages() {
  local packages
  mapfile -t packages < <(PATH=$PATH:/usr/sbin:/sbin missing_packages)
  if [ ${#packages[@]} = 0 ]; then return; fi
  command -v apt-get >/dev/null ||
    fail "This is not a Debian or Ubuntu machine. Install what these packages hold, then try again: ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
  say 'updating the package lists (apt-get update)'
  "${apt[@]}" update >&2 || say 'apt-get update had trouble, see above; trying with the lists there are.'
  # Since Debian 13 the client is a package of its own.
  local index
  for index in "${!packages[@]}"; do
    [ "${packages[index]}" != docker-client ] || packages[index]=$(client_package)
  done
  say "installing Debian packages: ${packages[*]}"
  without_services "${apt[@]}" install --yes --no-install-recommends "${packages[@]}" >&2 ||
    fail 'apt-get install failed, see above.'
}

client_package() {
  if apt-cache show docker-cli >/dev/null 2>&1; then echo docker-cli; else echo docker.io; fi
}

# Installs without starting services: the tests have an engine of their own, and the machine shall run what it ran before.
without_services() {
  local policy=/usr/sbin/policy-rc.d status=0 service new=()
  for service in docker.service docker.socket containerd.service cron.service; do
    service_exists "$service" || new+=("$service")
  done
  # A killed earlier run may have left its own policy and the saved one.
  if [ -e "$policy" ] && [ ! -e "$policy.timetiles" ]; then mv "$policy" "$policy.timetiles"; fi
  trap 'restore_policy' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 0755 "$policy"
  quietly .cache/apt.log "$@" || status=$?
  restore_policy
  trap - EXIT
  for service in "${new[@]}"; do
    if [ -d /run/systemd/system ] && service_exists "$service"; then
      say "leaving the new $service disabled"
      systemctl --quiet disable "$service" >&2 || true
    fi
  done
  return "$status"
}

service_exists() { [ -e "/lib/systemd/system/$1" ] || [ -e "/etc/systemd/system/$1" ]; }

restore_policy() {
  rm -f /usr/sbin/policy-rc.d
  if [ -e /usr/sbin/policy-rc.d.timetiles ]; then mv /usr/sbin/policy-rc.d.timetiles /usr/sbin/policy-rc.d; fi
}

if [ "$mode" = all ] && [ "$(id -u)" != 0 ]; then
  fail 'The tests with real parts start a Docker engine and need root. (npm run test:unit does not.)'
fi
lock
if [ "$mode" = all ]; then install_debian_packages; fi
install_npm_packages
install_node
build
