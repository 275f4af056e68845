# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The nights: cron's entry, cron itself, and logs that do not grow for ever.

schedule_title='schedule and logs'
rotation=/etc/logrotate.d/timetiles

schedule_plan() {
  local report state
  if ! need_settings 'installing the schedule (timetiles backup auto)'; then return; fi
  schedule_offsite=no
  [ -z "$(setting RESTIC_OFFSITE_REPOSITORY)" ] || schedule_offsite=yes
  schedule_install=no schedule_cron=no schedule_rotation=no
  report=$(tool backup auto --show --json) || tool_failed $? 'the crontab cannot be looked at' 'Mend what it says, then run bootstrap again.'
  state=$(json d.state <<<"$report")
  found="the schedule is installed: $(json d.schedule <<<"$report")"
  case $state in
    edited) remarks+=('The schedule in the crontab was changed by hand and stays as it is: timetiles backup auto --show') ;;
    none | missing) schedule_install=yes ;;
    *) { is_schedule_current "$report" && [ "$(json d.earlier.active.length <<<"$report")" = 0 ]; } || schedule_install=yes ;;
  esac
  [ "$schedule_install" = no ] || todo+=("timetiles backup auto$([ "$schedule_offsite" = no ] || printf ' --offsite')")
  if [ "$(json d.cron.running <<<"$report")" = false ]; then
    schedule_cron=yes
    todo+=('starting cron')
  fi
  plan_rotation
}

schedule_apply() {
  local status=0
  if [ "$schedule_cron" = yes ]; then start_cron; fi
  if [ "$schedule_install" = yes ]; then
    read_remembered_schedule
    run_tool backup auto "${schedule_words[@]}" || status=$?
    [ "$status" = 0 ] || tool_failed "$status" 'the schedule could not be installed' 'Mend what it says, then run bootstrap again. Without cron: timetiles scheduler'
    state_record schedule "$(schedule_mark)"
  fi
  if [ "$schedule_rotation" = yes ]; then
    rotation_text >"$rotation.timetiles-new"
    chmod 0644 "$rotation.timetiles-new"
    mv "$rotation.timetiles-new" "$rotation"
    state_record rotation "$(rotation_text | sha256sum | cut -c 1-16)"
  fi
}

# The lines of another version may be others; those of a checkout that was linked by hand lead there.
is_schedule_current() {
  is_recorded schedule "$(schedule_mark)" && grep -qF "$(current_release)/" <<<"$1"
}
schedule_mark() { printf '%s offsite=%s' "$(installed_version)" "$schedule_offsite"; }

# What the operator chose by timetiles backup auto stays.
read_remembered_schedule() {
  local file=$home/state/schedule.json time='' delay=''
  schedule_words=()
  if [ -r "$file" ]; then
    time=$(json d.schedule <"$file")
    delay=$(json d.randomDelay <"$file")
  fi
  [ -z "$time" ] || schedule_words+=(--schedule "$time")
  [ "${delay:-0}" = 0 ] || schedule_words+=(--random-delay "${delay}s")
  [ "$schedule_offsite" = no ] || schedule_words+=(--offsite)
}

start_cron() {
  start_service cron || fail 1 'cron does not start, see above' 'Start it, and see to it that it starts with the host. Without cron: timetiles scheduler'
  [ -d /run/systemd/system ] || note 'There is no systemd here: see to it that cron starts with the host (service cron start).'
}

# The rules for the directory that the configuration names.
rotation_text() {
  local directory
  directory=$(setting LOG_DIR)
  awk -v "directory=$directory" '
    /^# How logrotate/ { print "# Written by the bootstrap of timetiles. A copy that you change stays as you made it."; next }
    /^# Where LOG_DIR/ { next }
    /^\/var\/log\/timetiles\// { print "\"" directory "\"/*.log {"; next }
    { print }' "$(current_release)/bootstrap/logrotate.conf"
}

plan_rotation() {
  local present
  if [ ! -e "$rotation" ]; then
    schedule_rotation=yes
  elif ! rotation_text | cmp -s - "$rotation"; then
    present=$(sha256sum <"$rotation" | cut -c 1-16)
    if is_recorded rotation "$present"; then schedule_rotation=yes; else remarks+=("$rotation was changed by hand and stays as it is"); fi
  fi
  [ "$schedule_rotation" = no ] || todo+=("installing $rotation")
}
