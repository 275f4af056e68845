# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The offsite credentials: whether they are good, and what they may do.

offsite_title='offsite credentials'

offsite_plan() {
  local url
  if ! need_settings 'asking what the offsite credentials can do, if an offsite repository is configured'; then return; fi
  url=$(setting RESTIC_OFFSITE_REPOSITORY)
  offsite_probed=$(printf '%s\n%s\n' "$url" "$(setting AWS_ACCESS_KEY_ID)" | sha256sum | cut -c 1-16)
  case $url in
    '') found='no offsite repository is configured' ;;
    s3:*)
      found='the credentials were probed'
      is_recorded offsite "$offsite_probed" || todo+=('asking what the credentials can do')
      ;;
    *) found='the repository is not on S3; doctor looked at it' ;;
  esac
}

offsite_apply() {
  local status=0
  run_tool offsite probe || status=$?
  [ "$status" = 0 ] || tool_failed "$status" 'the offsite repository cannot be used' \
    "Correct its URL and credentials in $home/bootstrap.conf, then run bootstrap again. timetiles offsite policy prints what to set at the provider."
  state_record offsite "$offsite_probed"
}

# Sees to the values in effect, which the configuration's step has loaded unless it is left out; where that cannot be, says what would be done. $1 that.
need_settings() {
  if [ -z "$(installed_version)" ] || { [ "$dry_run" = yes ] && [ ! -e "$home/bootstrap.conf" ]; }; then
    [ "$dry_run" = yes ] || fail 1 'timetiles is not installed' "Run the steps before this one: $program"
    todo+=("$1")
    return 1
  fi
  [ -n "$settings" ] || load_settings
}
