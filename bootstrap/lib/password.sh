# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The password of the repositories: made once, and never where one is in use.

# A new password must not come where an old one may be lost: every backup would be.
refuse_second_password() {
  local repository evidence=''
  repository=${own_repository:-$(setting RESTIC_REPOSITORY)}
  if [ -e "$repository/config" ]; then
    evidence="the repository $repository"
  elif [ -e "$home/state/repositories.json" ]; then
    evidence="$home/state/repositories.json, so this server has made backups"
  elif [ -n "$(find "$home/state" -maxdepth 1 -name 'offsite*' -print -quit 2>/dev/null)" ]; then
    evidence="$home/state/offsite…, so this server has made offsite copies"
  fi
  [ -z "$evidence" ] || fail 2 "RESTIC_PASSWORD is not set, but there is $evidence; a new password could not open what it holds" \
    "Write the password that was used into $home/bootstrap.conf: it is in your password manager or on the emergency kit. If that repository is none of this server's, name another place with RESTIC_REPOSITORY. Only to begin anew, move these away."
}

# Appends a new password to the app's own file; what is in there stays byte for byte.
write_new_password() {
  local file target temporary password
  file=$home/.env.production
  target=$(readlink -f "$file")
  # 32 characters out of 64 are 192 bits; none of them means anything to a shell, to docker compose or in a quoted value.
  password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
  temporary=$(mktemp "$target.timetiles-XXXXXX")
  if [ -e "$target" ]; then
    cp --preserve=all "$target" "$temporary"
    chmod 0600 "$temporary"
    if [ -n "$(tail -c 1 "$target")" ]; then printf '\n' >>"$temporary"; fi
  fi
  printf "# The password of the backups, made by the bootstrap of timetiles. Keep a copy of it away from this server.\nRESTIC_PASSWORD='%s'\n" "$password" >>"$temporary"
  mv "$temporary" "$target"
  show_password "$file" "$password"
}

show_password() {
  note "RESTIC_PASSWORD was made and written to $1, mode 0600. Without it no backup can be read, not by anybody:"
  note 'print it, or keep it in a password manager, away from this server.'
  # What is no terminal may be a log that others read.
  if [ ! -t 1 ]; then
    note "It is the last line of that file: sudo tail -n 1 $1"
    return
  fi
  printf '\n      %s\n\n' "$2"
  if [ "$interactive" = yes ]; then read -r -p '      Press Enter when it is in a safe place. ' _; fi
}
