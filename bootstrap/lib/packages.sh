# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# Packages of Debian and Ubuntu. Only what is missing is installed; nothing is upgraded or removed.

# Installs packages. $@ their names.
install_packages() {
  local apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
  finish_packages
  run_quietly env DEBIAN_FRONTEND=noninteractive "${apt[@]}" update ||
    say 'apt-get update had trouble, see above; trying with the lists there are.'
  run_quietly env DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --yes --no-install-recommends --no-upgrade "$@" ||
    fail 1 "the packages $* could not be installed, see above" \
      'Is there a network, and does apt-get update work? Mend that, then run bootstrap again.'
}

# Whether dpkg was interrupted: a program may be there and not be set up.
are_packages_unfinished() { [ -n "$(dpkg --audit 2>&1)" ] || [ -n "$(find /var/lib/dpkg/updates -type f -print -quit)" ]; }

finish_packages() {
  if ! are_packages_unfinished; then return; fi
  run_quietly env DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a ||
    fail 1 'an interrupted installation of packages could not be finished, see above' 'Repair it with dpkg --configure -a, then run bootstrap again.'
}

# Runs what follows without letting packages start services: an engine that runs must not get a second one beside it.
without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\n# Written by the bootstrap of timetiles for a moment.\nexit 101\n' >"$policy"
  chmod 0755 "$policy"
  services_held=$policy
  "$@"
  release_services
}

services_held=
release_services() {
  [ -z "$services_held" ] || rm -f "$services_held"
  services_held=
}

# What a killed run left.
remove_stale_policy() {
  if grep -qs 'bootstrap of timetiles' /usr/sbin/policy-rc.d; then rm -f /usr/sbin/policy-rc.d; fi
}

# Starts a service by whatever init there is. $1 its name.
start_service() {
  if [ -d /run/systemd/system ]; then
    run_quietly systemctl enable --now "$1"
  else
    run_quietly service "$1" start
  fi
}
