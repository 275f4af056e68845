# shellcheck shell=bash disable=SC2034,SC2154
# (uninstall.sh reads this file; variables are shared between all that it reads.)
# Which installations of the tool this server has: they share the command's name, the crontab and the rules for logs.

usual_home=/opt/timetiles

# The directories that hold an installed tool, one a line: what the command leads into, what this script lies in, what root's
# crontab names, and the usual one.
installed_homes() {
  local candidate
  {
    if [ -L "$command_link" ]; then readlink "$command_link" | sed -n 's|/tool/current/bin/timetiles$||p'; fi
    printf '%s\n' "$bootstrap_directory" | sed -n 's|/tool/[^/]*/bootstrap$||p'
    crontab -l 2>/dev/null | sed -n 's/^# timetiles end //p' || true
    printf '%s\n' "$usual_home"
  } | awk '!known[$0]++' | while IFS= read -r candidate; do
    if [ -L "$candidate/tool/current" ]; then printf '%s\n' "$candidate"; fi
  done
}

# Decides which installation is meant where the command line does not say; fails where it is not clear.
find_home() {
  local homes commands=()
  mapfile -t homes < <(installed_homes)
  case ${#homes[@]} in
    0) home=$usual_home ;;
    1) home=${homes[0]} ;;
    *)
      for home in "${homes[@]}"; do commands+=("sudo $program --home $home"); done
      fail 2 "this server has several installations of timetiles: $(join_with ', ' "${homes[@]}")" "Say which one is to go: $(join_with ', or ' "${commands[@]}")"
      ;;
  esac
}

# Another installation than the one that is meant, if there is one.
other_home() { installed_homes | grep -vxF -m 1 -- "$home" || true; }
