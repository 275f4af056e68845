# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The first and the last words of a run.

confirm_start() {
  local answer
  if [ "$interactive" = no ] || [ "$dry_run" = yes ]; then return; fi
  say "This server becomes one with nightly backups. Installation directory: $home. What is there already stays."
  read -r -p 'Go on? [Y/n] ' answer || answer=n
  case ${answer,,} in '' | y | yes) ;; *) fail 130 'declined' 'Nothing was changed.' ;; esac
}

summarize() {
  if [ "$dry_run" = yes ]; then
    say 'Nothing was changed (--dry-run).'
    return
  fi
  say ''
  if [ ${#done_steps[@]} = 0 ]; then
    say 'Nothing had to be done.'
    return
  fi
  say 'Done:'
  printf '  %s\n' "${done_steps[@]}"
  [ -n "$(installed_version)" ] || return 0
  [ -n "$settings" ] || load_settings
  say 'Where things are:'
  cat <<END
  the tool           $command_link -> $(readlink -f "$(current_release)")
  configuration      $home/bootstrap.conf, $home/.env.production
  repository         $(setting RESTIC_REPOSITORY)
  logs               $(setting LOG_DIR)
  schedule           crontab of $(id -un): timetiles backup auto --show
  state              $home/state
END
  [ ! -r "$(app_record)" ] || say "  the app's script   $(head -n 1 "$(app_record)"): every command that timetiles does not know"
  advise
}

advise() {
  say 'What only you can do:'
  say '  Keep RESTIC_PASSWORD away from this server. Without it no backup can be read, not by anybody.'
  if [ -n "$(setting RESTIC_OFFSITE_REPOSITORY)" ]; then
    say '  Print the emergency kit and keep it with the password: timetiles offsite kit'
    say '  See what a thief could do with the offsite key: timetiles offsite probe --prove'
  else
    say '  Configure an offsite copy, so that the backups outlive this server: RESTIC_OFFSITE_REPOSITORY. Then run bootstrap again.'
    say '  After that print the emergency kit and keep it with the password: timetiles offsite kit'
  fi
  say '  See whether alerts reach you: timetiles alert test'
}
