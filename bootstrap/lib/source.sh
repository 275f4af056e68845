# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# Where the tool comes from: what --tool names, else what bootstrap itself lies in.

# Sets source_kind (release, checkout, archive, package), source_place, and source_id, by which a later run sees that nothing is new.
find_source() {
  local own
  own=$(dirname "$bootstrap_directory")
  source_place=${tool_spec:-$own}
  if [ -d "$source_place" ]; then
    source_place=$(readlink -f "$source_place")
    source_kind=$(kind_of_directory "$source_place")
    source_id=$source_kind:$(digest_of_directory "$source_place")
  elif [ -f "$source_place" ]; then
    source_place=$(readlink -f "$source_place")
    source_kind=archive
    source_id=archive:$(sha256sum <"$source_place" | cut -c 1-64)
  elif [[ $source_place =~ ^(@[a-z0-9._-]+/)?[a-z0-9._-]+(@[A-Za-z0-9._^~-]+)?$ ]]; then
    source_kind=package
    source_id=package:$source_place
  else
    fail 2 "--tool $source_place is no directory, no archive and no npm package" 'Name a release directory, a .tgz, or a package such as timetiles@0.1.0.'
  fi
}

kind_of_directory() {
  if [ -f "$1/package-lock.json" ] && [ -d "$1/src" ]; then
    printf 'checkout'
  elif [ -d "$1/dist" ] && [ -d "$1/node_modules" ] && [ -f "$1/bin/timetiles" ]; then
    printf 'release'
  else
    fail 2 "$1 is neither a release of timetiles nor a checkout of it" 'Name the directory that holds bin/, dist/ and node_modules/, or the checkout, with --tool.'
  fi
}

# What a build makes or a developer keeps; it is no part of a checkout.
not_source=(.git node_modules dist share release .cache oclif.manifest.json bootstrap.conf .env.production)

# A digest of everything in a directory: names, content, links, and what may be run. $1 the directory.
digest_of_directory() {
  local leave_out=() name
  if [ "$(kind_of_directory "$1")" = checkout ]; then
    for name in "${not_source[@]}"; do leave_out+=(-path "./$name" -o); done
  fi
  (
    cd "$1" || exit
    export LC_ALL=C
    find . \( "${leave_out[@]}" -false \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
    find . \( "${leave_out[@]}" -false \) -prune -o \( -type l -printf '%p -> %l\n' -o -type f -perm -u+x -printf '%p runs\n' \) | sort
  ) | sha256sum | cut -c 1-64
}

# Whether the record says that this very source is installed. Only an exact version of a package stays what it is.
is_source_installed() {
  [ "$source_kind" != package ] || [[ $source_place =~ @[0-9]+\.[0-9]+\.[0-9]+ ]] || return 1
  is_recorded tool "$source_id"
}
