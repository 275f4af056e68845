#!/usr/bin/env bash
# Runs a command, and all that it starts, in a network of its own: 127.0.0.1 is its own, what it does to bridges and rules
# nobody else sees, and the outside is reached through slirp4netns, which ends with the command. It becomes the command,
# so that signals and the exit code are the command's own.
set -euo pipefail

self=${BASH_SOURCE[0]}
name_servers_of_slirp=10.0.2.3

fail() {
  printf 'private-network: %s\n' "$*" >&2
  exit 1
}

# In the new network, before the command: waits until the outside can be reached.
enter() {
  local log=$1 attempt
  shift
  ip link set lo up
  for ((attempt = 0; attempt < 200; attempt++)); do
    if ip -oneline -4 address show dev tap0 2>/dev/null | grep -q inet; then break; fi
    sleep 0.05
  done
  [ "$attempt" -lt 200 ] || fail "slirp4netns does not answer: $(<"$log")"
  rm -f "$log"
  if has_local_name_server; then give_name_server; fi
  BENCH_NETWORK=$(readlink /proc/self/ns/net)
  export BENCH_NETWORK
  exec "$@"
}

# Such as systemd-resolved's: the new network has a 127.0.0.1 of its own, where nobody answers.
has_local_name_server() { ! grep -E '^nameserver' /etc/resolv.conf | grep -qvE '^nameserver\s+(127\.|::1)'; }

# In a view of the file that only the command has.
give_name_server() {
  local file
  file=$(mktemp)
  printf 'nameserver %s\n' "$name_servers_of_slirp" >"$file"
  chmod 0644 "$file"
  mount --bind "$file" /etc/resolv.conf
  rm -f "$file"
}

# In the machine's network: waits until the process has left it. The end of stdin is the end of the command.
attach() {
  local process=$1 log=$2 here attempt
  here=$(readlink /proc/self/ns/net)
  for ((attempt = 0; attempt < 200; attempt++)); do
    if [ "$(readlink "/proc/$process/ns/net")" != "$here" ]; then
      exec slirp4netns --configure --mtu=65520 --disable-host-loopback --exit-fd=0 "$process" tap0 >"$log" 2>&1
    fi
    sleep 0.05
  done
}

case ${1:-} in
  --enter) enter "${@:2}" ;;
  --attach) attach "${@:2}" ;;
  '' | -*) fail "usage: $self COMMAND [ARGUMENT…]" ;;
esac
# Whoever is in such a network already stays there.
if [ "${BENCH_NETWORK:-}" = "$(readlink /proc/self/ns/net)" ]; then exec "$@"; fi
[ "$(id -u)" = 0 ] || fail 'A network of its own needs root.'
PATH=$PATH:/usr/sbin:/sbin
for program in ip slirp4netns unshare; do
  command -v "$program" >/dev/null || fail "$program is missing: run test/setup/prepare.sh all"
done
log=$(mktemp)
# The command alone holds the other end of its stdin open, so that it ends also when the command is killed: of open files
# with a low number Node hands none to its children. A session of its own keeps Ctrl-C away from it, since tests still
# clean up then.
exec 9> >(exec setsid bash "$self" --attach $$ "$log")
mounts=()
if has_local_name_server; then mounts=(--mount); fi
exec unshare --net "${mounts[@]}" -- bash "$self" --enter "$log" "$@"
