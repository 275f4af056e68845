# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# Configuration and host, looked at by the tool itself.

doctor_title='checks of configuration and host'

doctor_plan() { todo+=('asking timetiles doctor'); }

doctor_apply() {
  local status=0
  run_tool doctor || status=$?
  [ "$status" = 0 ] || tool_failed "$status" 'a backup could not run as things are' \
    "Mend what doctor says (the app's containers have to be there), then run bootstrap again."
  is_check=yes
}
