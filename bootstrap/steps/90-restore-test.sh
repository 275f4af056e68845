# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The proof, if asked for: the newest set, restored into a throwaway server and compared.

restore_test_title='restore test, with --restore-test'

restore_test_plan() {
  if [ "$restore_test" = no ]; then
    passes=no
    found='not asked for (--restore-test)'
  elif state_note restore-test >/dev/null; then
    found='one has passed; another: timetiles backup verify --restore-test'
  else
    todo+=('restoring the newest set for a test')
  fi
}

restore_test_apply() {
  local status=0
  run_tool backup verify --restore-test || status=$?
  [ "$status" = 0 ] || tool_failed "$status" 'the restore test did not pass' 'Do what it says, then run bootstrap again.'
  state_record restore-test
}
