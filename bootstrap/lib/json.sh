# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# Answers of the tool, by way of the Node that it runs on.

# Runs the installed tool as an operator would.
tool() { "${tool_environment[@]}" "$(current_release)/bin/timetiles" "$@"; }
# The same for what takes its time.
run_tool() { run "${tool_environment[@]}" "$(current_release)/bin/timetiles" "$@"; }

# cron shall know the directory only where it is not the usual one.
set_tool_environment() {
  if [ "$home" = /opt/timetiles ]; then tool_environment=(env -u TIMETILES_HOME); else tool_environment=(env "TIMETILES_HOME=$home"); fi
}

# A value of the JSON on stdin. $1 an expression over `d`; what is null or missing is nothing.
json() {
  # shellcheck disable=SC2016 # the dollar sign is JavaScript's
  "$(node_of_release "$(current_release)")" -e '
    const d = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
    const value = new Function("d", `return ${process.argv[1]}`)(d);
    process.stdout.write(value === null || value === undefined ? "" : String(value));' "$1"
}

# Ends the run after the tool has said what is wrong. $1 its exit code, $2 what was tried, $3 what to do.
tool_failed() {
  case $1 in
    2 | 4 | 130) fail "$1" "$2, see above" "$3" ;;
    *) fail 1 "$2, see above" "$3" ;;
  esac
}
