# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The configuration: what exists is kept, above all every password.

configuration_title='configuration and password'

configuration_plan() {
  local file
  configuration_password=no own_repository=
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
  plan_repository
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
    if [ -n "$own_repository" ]; then
      if [ -n "$(tail -c 1 "$temporary")" ]; then printf '\n' >>"$temporary"; fi
      printf '\n# Below the installation directory, which is not the usual one.\nRESTIC_REPOSITORY="%s"\n' "$own_repository" >>"$temporary"
    fi
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

# The tool's default does not move with the directory. Where there is a configuration already, the repository that it means may be in use.
plan_repository() {
  if [ "$home" = /opt/timetiles ] || [ -e "$home/bootstrap.conf" ] || [ "$(origin_of RESTIC_REPOSITORY)" != default ]; then return; fi
  own_repository=$home/backups/restic-repo
  todo+=("setting RESTIC_REPOSITORY in it to $own_repository")
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
