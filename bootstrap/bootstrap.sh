#!/usr/bin/env bash
# Prepares an installation directory: makes it with mode 0700 and writes bootstrap.conf, mode 0600, with a new password.
# Nothing that exists is ever changed, above all no password; run it as often as you like.
#
#   bootstrap/bootstrap.sh [DIRECTORY]     default: $TIMETILES_HOME, else /opt/timetiles
set -euo pipefail
umask 077

home=${1:-${TIMETILES_HOME:-/opt/timetiles}}
example=$(dirname "${BASH_SOURCE[0]}")/../bootstrap.conf.example
config=$home/bootstrap.conf

if [[ $home != /* ]]; then
  echo "Error: $home is no absolute path" >&2
  echo "Name the installation directory from / on, such as /opt/timetiles." >&2
  exit 2
fi
if [ -e "$config" ]; then
  echo "$config exists; nothing was changed."
  exit 0
fi

mkdir -p "$home"
# 32 characters out of 64 are 192 bits; none of them means anything to a shell or in a quoted value.
password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
temporary=$(mktemp "$config.XXXXXX")
trap 'rm -f "$temporary"' EXIT
# By way of the environment, since every argv can be read by every user.
PASSWORD=$password awk '
  /^#? *RESTIC_PASSWORD=/ && !done { print "RESTIC_PASSWORD=\"" ENVIRON["PASSWORD"] "\""; done = 1; next }
  { print }
  END { if (!done) print "RESTIC_PASSWORD=\"" ENVIRON["PASSWORD"] "\"" }
' "$example" >"$temporary"
chmod 600 "$temporary"
# A link fails where the file has come into being meanwhile; a rename would replace it.
ln "$temporary" "$config"

cat <<END
Wrote $config with a new RESTIC_PASSWORD. Without it no backup can be read, not by anybody:
print it, or keep it in a password manager, away from this server.

    $password

Next: put COMPOSE_PROJECT_NAME and the like into $config, then run: timetiles doctor
END
