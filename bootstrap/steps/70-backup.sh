# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The first backup, verified: once, and only what of it is missing.

backup_title='first backup'

backup_plan() {
  local repository sets=0
  if ! need_settings 'making the first backup and verifying it'; then return; fi
  repository=$(setting RESTIC_REPOSITORY)
  backup_offsite=no
  [ -z "$(setting RESTIC_OFFSITE_REPOSITORY)" ] || backup_offsite=yes
  if state_note backup >/dev/null && [ -e "$repository/config" ]; then
    found='there is a verified one'
    return
  fi
  if [ -e "$repository/config" ] && has_password; then
    sets=$(tool backup list --json | json 'd.sets.filter(({state, earlier}) => state === "complete" && !earlier).length') || sets=0
  fi
  backup_exists=no
  if [ "$sets" -gt 0 ]; then
    backup_exists=yes
    [ "$backup_offsite" = no ] || todo+=('copying what is missing offsite')
  else
    todo+=("making the first backup$([ "$backup_offsite" = no ] || printf ', with its offsite copy')")
  fi
  todo+=('verifying it')
}

backup_apply() {
  local status=0 command=(backup)
  if [ "$backup_exists" = yes ]; then command=(offsite copy); elif [ "$backup_offsite" = yes ]; then command=(backup --offsite --require-offsite); fi
  if [ "$backup_exists" = no ] || [ "$backup_offsite" = yes ]; then
    run_tool "${command[@]}" || status=$?
    [ "$status" = 0 ] || tool_failed "$status" "timetiles ${command[*]} failed" 'Mend what it says, then run bootstrap again.'
  fi
  run_tool backup verify || status=$?
  [ "$status" = 0 ] || tool_failed "$status" 'the first backup did not pass its check' 'Do what it says, then run bootstrap again.'
  state_record backup
}
