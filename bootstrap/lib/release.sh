# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# The tool's versions in TIMETILES_HOME/tool: staged beside the others, checked, renamed into place, and only then current.

tool_directory() { printf '%s/tool' "$home"; }
current_release() { printf '%s/tool/current' "$home"; }

# The version that is installed; empty when none is.
installed_version() { release_version "$(current_release)" 2>/dev/null || true; }

# What a release says of itself; fails when it does not start. $1 the release.
release_version() {
  local text
  text=$("$1/bin/timetiles" --version 2>/dev/null </dev/null) || return 1
  text=${text#timetiles/}
  printf '%s' "${text%% *}"
}

# Makes a release directory of the source. $1 an empty directory of our own; the release is then $1/release.
stage_release() {
  local place=$1
  case $source_kind in
    release) copy_release "$source_place" "$place/release" ;;
    archive) unpack_release "$source_place" "$place" ;;
    package)
      require_npm
      mkdir "$place/packed"
      npm_in "$place/npm-cache" npm pack --silent --pack-destination "$place/packed" "$source_place" ||
        fail 1 "the npm package $source_place could not be fetched, see above" 'Is there a network, and does that version exist? npm view timetiles versions'
      unpack_release "$(find "$place/packed" -name '*.tgz' -print -quit)" "$place"
      ;;
    checkout) build_release "$source_place" "$place" ;;
  esac
  ensure_runtime "$place/release" "$place"
  chmod -R u=rwX,go=rX "$place/release"
}

copy_release() {
  run cp -R --preserve=mode,links --no-preserve=ownership "$1" "$2" ||
    fail 1 "the tool could not be copied to $home, see above" "Is its disk full? df -h $(printf '%q' "$home")"
}

unpack_release() {
  mkdir "$2/unpacked"
  run tar -xzf "$1" --no-same-owner -C "$2/unpacked" ||
    fail 1 "$1 could not be unpacked to $home, see above" "Is it a whole .tgz, and is there room? df -h $(printf '%q' "$home")"
  local tops=("$2"/unpacked/*)
  if [ ${#tops[@]} != 1 ] || [ ! -f "${tops[0]}/bin/timetiles" ]; then
    fail 2 "$1 holds no release of timetiles" 'Name the archive that npm run pack:release made.'
  fi
  mv "${tops[0]}" "$2/release"
}

# Builds in a copy, so that the checkout stays as it is. $1 the checkout, $2 our directory.
build_release() {
  local leave_out=() name
  require_npm
  note 'building the tool from the checkout'
  for name in "${not_source[@]}"; do leave_out+=("--exclude=./$name"); done
  mkdir "$2/source"
  tar -C "$1" "${leave_out[@]}" -cf - . | tar -C "$2/source" --no-same-owner -xf - ||
    fail 1 "the checkout could not be copied to $home, see above" "Is its disk full? df -h $(printf '%q' "$home")"
  { npm_in "$2/npm-cache" bash "$2/source/test/setup/prepare.sh" node &&
    run_quietly "$2/source/node_modules/.bin/node" "$2/source/.build/pack.js" --directory "$2/release" --runtime; } ||
    fail 1 'the tool could not be built from the checkout, see above' 'Is there a network, and room on the disk? Or use a packed release, which needs neither.'
}

# Whether a release starts and reads the configuration of this server. $1 the release, $2 a configuration to come, if any.
check_release() {
  local version status=0
  version=$(release_version "$1") ||
    fail 1 "the new version of timetiles does not start: $("$1/bin/timetiles" --version 2>&1 </dev/null | tail -n 3)" "$(what_stays)"
  # Needs all that a command needs, and the file is right by the release's own tests.
  run_quietly "$1/bin/timetiles" config check "$1/bootstrap.conf.example" ||
    fail 1 "timetiles $version is not whole: its commands do not start, see above" "$(what_stays)"
  check_configuration "$1/bin/timetiles" "${2:-}" || status=$?
  case $status in
    0) ;;
    2) fail 2 "the configuration is no good for timetiles $version, see above" "$(what_stays) Correct it, then run bootstrap again." ;;
    *) fail 1 "timetiles $version could not check the configuration, see above" "$(what_stays)" ;;
  esac
}

what_stays() {
  local version
  version=$(installed_version)
  if [ -n "$version" ]; then printf 'timetiles %s stays installed and works as before.' "$version"; else printf 'Nothing was installed.'; fi
}

# Puts a checked release into its place and makes it the current one. $1 the release; prints the name of its directory.
install_release() {
  local name target previous
  name=$(release_version "$1")-$(digest_of_directory "$1" | cut -c 1-8)
  target=$(tool_directory)/$name
  previous=$(readlink "$(current_release)" || true)
  # One of that name that is not what its name says was damaged.
  if [ -d "$target" ] && [ "$(digest_of_directory "$target" | cut -c 1-8)" != "${name##*-}" ]; then
    mv "$target" "$(dirname "$1")/damaged"
  fi
  [ -d "$target" ] || mv "$1" "$target"
  sync -f "$target"
  rm -f "$(tool_directory)/.next"
  ln -s "$name" "$(tool_directory)/.next"
  mv -T "$(tool_directory)/.next" "$(current_release)"
  remove_old_releases "$name" "$previous"
}

# The current version and the one before it stay. $1 and $2 their names.
remove_old_releases() {
  local directory
  for directory in "$(tool_directory)"/*/; do
    directory=${directory%/}
    [ ! -L "$directory" ] || continue
    case ${directory##*/} in "$1" | "${2:-$1}") ;; *) rm -rf "$directory" ;; esac
  done
}

# What killed runs left in the installation directory.
remove_incoming() {
  local left
  for left in "$(tool_directory)"/.incoming-* "$(tool_directory)"/.next "$home"/*.timetiles-?????? "$home"/.*.timetiles-?????? "$home"/state/*.timetiles-??????; do
    if [ -e "$left" ] || [ -L "$left" ]; then rm -rf "$left"; fi
  done
}
