# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The app's own script, whose name this tool takes: bin/timetiles hands it every command that is none of the tool's, and
# uninstall.sh gives the name back.

# Where it is, for bin/timetiles; anybody may read it.
app_record() { printf '%s/app-script' "$(tool_directory)"; }
# The link that had the name, as it was.
app_link() { printf '%s/app-link' "$(tool_directory)"; }

# The app's script that has the name now; fails where nothing has it, or the tool itself.
present_app_script() {
  local target=$command_link
  if [ -L "$command_link" ]; then
    target=$(readlink "$command_link")
    [[ $target = /* ]] || target=$(dirname "$command_link")/$target
  fi
  [ -f "$target" ] && [ -x "$target" ] && [[ $target != *$'\n'* ]] || return 1
  ! is_launcher "$(readlink -f "$target")" || return 1
  # A program that is no script came with some package.
  [ -L "$command_link" ] || [ "$(head -c 2 "$target")" = '#!' ] || return 1
  printf '%s' "$target"
}

# Whether a file is bin/timetiles of any version of this tool. $1 the file.
is_launcher() { [ "${1##*/}" = timetiles ] && [ -f "$(dirname "$1")/run.js" ]; }

# Remembers the app's script before the name is taken from it; a script that is no link moves aside, and stays in its directory.
set_app_script_aside() {
  local script incoming
  script=$(present_app_script) || return 0
  if [ ! -L "$command_link" ]; then
    script=$command_link-app
    [ ! -e "$script" ] || fail 1 "$command_link is the app's own script, but there is no room for it at $script" 'Move one of them away, then run bootstrap again.'
  fi
  incoming=$(mktemp -d "$(tool_directory)/.incoming-XXXXXX")
  printf '%s\n' "$script" >"$incoming/app-script"
  chmod 0644 "$incoming/app-script"
  mv -T "$incoming/app-script" "$(app_record)"
  rm -f "$(app_link)"
  if [ -L "$command_link" ]; then
    cp --no-dereference --preserve=all "$command_link" "$incoming/app-link"
    mv -T "$incoming/app-link" "$(app_link)"
  else
    mv -T "$command_link" "$script"
  fi
  rmdir "$incoming"
  let_others_reach_tool
  note "timetiles up, logs, update and whatever else this tool does not know goes to $script, as before"
}

# Whoever used the app's script by that name has to get past a directory that bootstrap made for root alone; what is secret in there is closed to him.
let_others_reach_tool() {
  [ -n "$(find "$home" -maxdepth 0 -user root ! -perm -0001)" ] || return 0
  chmod o+x "$home"
}

# Gives the name back, if it is free.
give_name_back() {
  local script=
  [ -r "$(app_record)" ] || return 0
  IFS= read -r script <"$(app_record)" || script=
  if [ -e "$command_link" ] || [ -L "$command_link" ]; then return 0; fi
  if [ -L "$(app_link)" ]; then
    mv -T "$(app_link)" "$command_link"
  elif [ "$script" = "$command_link-app" ] && [ -f "$script" ]; then
    mv -T "$script" "$command_link"
  else
    return 0
  fi
  say "$command_link is the app's own script again"
}
