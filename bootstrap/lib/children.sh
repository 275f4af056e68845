# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# Programs that take their time run beside the shell, which so hears a signal at once and ends them.

child=
# In memory and root's own: logs of children, and copies of the configuration.
work_directory=/run/timetiles-bootstrap

# The lock is held, so what is there is of a killed run.
make_work_directory() {
  rm -rf "$work_directory"
  mkdir -m 0700 "$work_directory"
}

# Runs a program to its end. A shell without job control would let it ignore Ctrl-C, and what a daemon that it starts
# inherits must not hold the lock of bootstrap.
run() {
  local status=0
  env --default-signal=INT,QUIT "$@" </dev/null 9>&- &
  child=$!
  wait "$child" || status=$?
  child=
  return "$status"
}

# The same, and what it prints is of interest only when it fails.
run_quietly() {
  local log status=0
  log=$(mktemp -p "$work_directory")
  run "$@" >"$log" 2>&1 || status=$?
  if [ "$status" != 0 ]; then cat "$log" >&2; fi
  rm -f "$log"
  return "$status"
}

# Runs on SIGINT, SIGTERM and SIGHUP: the child unlocks what it holds, then bootstrap ends.
interrupt() {
  trap '' INT TERM HUP
  if [ -n "$child" ]; then
    kill -TERM "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  printf '\nInterrupted.\n' >&2
  exit 130
}
