# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The tool in the places where shells and man look; all of it leads through tool/current, so an upgrade changes none.

command_link=/usr/local/bin/timetiles
shared=/usr/local/share

# Prints link and target of everything that should be linked, separated by a tab. $1 the release.
wanted_links() {
  local file
  printf '%s\t%s\n' "$command_link" "$(current_release)/bin/timetiles"
  [ -d "$1/share" ] || return 0
  while IFS= read -r file; do
    printf '%s\t%s\n' "$shared/$file" "$(current_release)/share/$file"
  done < <(find "$1/share" -type f -printf '%P\n' | sort)
}

# The links that are missing or lead elsewhere.
missing_links() {
  local link target
  while IFS=$'\t' read -r link target; do
    [ "$(readlink "$link" || true)" = "$target" ] || printf '%s\t%s\n' "$link" "$target"
  done < <(wanted_links "$(current_release)")
}

# Links into our tool that lead nowhere since an upgrade.
dead_links() {
  find "$shared/man" "$shared/bash-completion" "$shared/zsh" "$shared/fish" -xtype l -lname "$(current_release)/share/*" 2>/dev/null || true
}

make_links() {
  local link target
  set_app_script_aside
  while IFS=$'\t' read -r link target; do
    if [ -e "$link" ] && [ ! -L "$link" ]; then
      fail 1 "$link is a file that bootstrap did not make" 'Move it away, then run bootstrap again.'
    fi
    if [ -L "$link" ]; then note "$link led to $(readlink "$link"), and now leads to $target"; fi
    (umask 022 && mkdir -p "$(dirname "$link")")
    ln -sfn "$target" "$link.timetiles-new"
    mv -T "$link.timetiles-new" "$link"
  done < <(missing_links)
  while IFS= read -r link; do rm -f "$link"; done < <(dead_links)
}

# Everything that leads into the tool of this installation.
our_links() {
  find /usr/local/bin "$shared" -type l -lname "$(current_release)/*" 2>/dev/null || true
}
