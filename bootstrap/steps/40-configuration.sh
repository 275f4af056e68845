# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The configuration: what exists is kept, above all every password.

configuration_title='configuration and password'

configuration_plan() {
  local file
  configuration_password=no
  found="$home/bootstrap.conf is there"
  if [ ! -e "$home/bootstrap.conf" ]; then
    todo+=("installing ${config_to_install:-bootstrap.conf.example} as $home/bootstrap.conf, mode 0600")
  elif [ -n "$config_option" ] && ! cmp -s "$config_option" "$home/bootstrap.conf"; then
    remark_difference
  fi
  for file in "$home/bootstrap.conf" "$home/.env.production"; do
    if is_open_to_others "$file"; then todo+=("making $file readable by its owner alone"); fi
  done
  # Without the tool nobody can say what the files hold.
  if [ -z "$(installed_version)" ]; then
    todo+=('making RESTIC_PASSWORD where none is set')
    return
  fi
  load_settings
  require_offsite_if_asked
  if has_password; then return; fi
  refuse_second_password
  configuration_password=yes
  todo+=("making RESTIC_PASSWORD, into $home/.env.production")
}

configuration_apply() {
  local file temporary
  make_home
  if [ ! -e "$home/bootstrap.conf" ]; then
    temporary=$(mktemp "$home/bootstrap.conf.timetiles-XXXXXX")
    cat "${config_to_install:-$(current_release)/bootstrap.conf.example}" >"$temporary"
    # A link fails where the file has come into being meanwhile; a rename would replace it.
    ln "$temporary" "$home/bootstrap.conf"
    rm "$temporary"
  fi
  for file in "$home/bootstrap.conf" "$home/.env.production"; do
    if is_open_to_others "$file"; then chmod 0600 "$file"; fi
  done
  [ "$configuration_password" = no ] || write_new_password
  load_settings
}

is_open_to_others() { [ -e "$1" ] && [ -n "$(find -L "$1" -maxdepth 0 -perm /0077)" ]; }

require_offsite_if_asked() {
  if [ "$offsite" = no ] || [ -n "$(setting RESTIC_OFFSITE_REPOSITORY)" ]; then return; fi
  fail 2 '--offsite was given, but RESTIC_OFFSITE_REPOSITORY is not set' 'Set it in bootstrap.conf, or leave --offsite out.'
}

remark_difference() {
  remarks+=("$home/bootstrap.conf exists and stays as it is; $config_option says something else:")
  local line
  while IFS= read -r line; do remarks+=("  $line"); done < <(differing_keys "$config_option" "$home/bootstrap.conf")
  remarks+=("To change something, edit $home/bootstrap.conf.")
}
