# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# Node for the tool. The system's own is used when it is new enough, and never changed.

# Whether a program is Node 22.13 or newer. $1 the program.
is_new_node() {
  local version
  version=$("$1" --version 2>/dev/null) || return 1
  [ "$(printf 'v22.13\n%s\n' "$version" | sort -V | head -n 1)" = v22.13 ]
}

# Node as a release would run on it. $1 the release.
node_of_release() {
  if [ -x "$1/runtime/bin/node" ]; then printf '%s' "$1/runtime/bin/node"; else command -v node; fi
}

has_npm() { command -v npm >/dev/null && command -v node >/dev/null && npm --version >/dev/null 2>&1; }

# npm without what a surrounding npm says, and with a cache that goes away again. $1 a directory for the cache.
npm_in() {
  local cache=$1
  shift
  run_quietly env -u INIT_CWD -u npm_config_local_prefix -u npm_package_json npm_config_cache="$cache" \
    npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false "$@"
}

# The last resort, and only where no Node is installed that it could change.
require_npm() {
  if has_npm; then return; fi
  if command -v node >/dev/null; then
    fail 1 'npm is missing, beside a Node that is installed' 'Install npm for it, or use the self-contained release of timetiles.'
  fi
  install_packages nodejs npm
}

# Puts a runtime into a release that has none and would find none. $1 the release, $2 a directory for what is only needed meanwhile.
ensure_runtime() {
  if is_new_node "$1/runtime/bin/node" || { [ ! -e "$1/runtime" ] && is_new_node node; }; then return; fi
  require_npm
  note 'fetching Node 24 for the tool alone'
  fetch_node "$2/node"
  mkdir -p "$1/runtime/bin"
  cp "$2/node/node_modules/node/bin/node" "$1/runtime/bin/node"
  is_new_node "$1/runtime/bin/node" || fail 1 'the Node that npm fetched does not run on this machine' 'Install Node 22.13 or newer, or use the self-contained release of timetiles.'
}

# npm's package of Node, as node_modules/node/bin/node in a directory. $1 the directory.
fetch_node() {
  mkdir -p "$1"
  printf '{"private": true}\n' >"$1/package.json"
  # Versions of npm differ in which scripts they run; the one that fetches the program is run by hand.
  { npm_in "$1/cache" npm install --prefix "$1" --ignore-scripts --no-save node@24 && run_installer "$1"; } ||
    fail 1 'Node 24 could not be fetched with npm, see above' 'Is there a network? Or use the self-contained release of timetiles, which brings Node along.'
}

run_installer() (
  cd "$1/node_modules/node" && npm_in "$1/cache" node installArchSpecificPackage.js
)
