# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The tool itself, with a Node of its own where the system has none that will do.

tool_title='timetiles'

tool_plan() {
  local installed app_script
  find_source
  installed=$(installed_version)
  tool_is_current=no
  if [ -n "$installed" ] && is_source_installed; then
    tool_is_current=yes
  elif [ "$(dirname "$bootstrap_directory")" = "$(readlink -f "$(current_release)")" ] && [ -n "$installed" ] && [ -z "$tool_spec" ]; then
    # Bootstrap of the installed version itself.
    tool_is_current=yes
  fi
  found="timetiles $installed is installed"
  if [ "$tool_is_current" = no ]; then
    todo+=("installing from the $source_kind $source_place${installed:+, in place of $installed}")
  fi
  if [ "$tool_is_current" = no ] || [ -n "$(missing_links)$(dead_links)" ]; then todo+=("linking $command_link"); fi
  if app_script=$(present_app_script); then
    remarks+=("$command_link is the app's own script now ($app_script); what timetiles does not know goes there from then on")
  fi
}

tool_apply() {
  local incoming
  if [ "$tool_is_current" = no ]; then
    make_home
    (umask 022 && mkdir -p "$(tool_directory)")
    incoming=$(mktemp -d "$(tool_directory)/.incoming-XXXXXX")
    stage_release "$incoming"
    check_release "$incoming/release" "$config_to_install"
    install_release "$incoming/release"
    rm -rf "$incoming"
    state_record tool "$source_id"
    note "timetiles $(installed_version) in $(readlink -f "$(current_release)")"
  fi
  make_links
}
