#!/bin/bash
# Behaves like the official image as far as its environment goes (and kartoza's names for the same), with one
# difference: connections over the socket need the password too, so that tests notice when it is handled wrongly.
set -euo pipefail

export PGDATA=${PGDATA:-/var/lib/postgresql/data}
user=${POSTGRES_USER:-postgres}
password=${POSTGRES_PASSWORD:-${POSTGRES_PASS:-}}
database=${POSTGRES_DB:-${POSTGRES_DBNAME:-$user}}

as_postgres() {
  setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
}

install -d -o postgres -g postgres -m 0700 "$PGDATA"
install -d -o postgres -g postgres -m 2775 /var/run/postgresql

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "$password" ]; then
    echo 'Set POSTGRES_PASSWORD (or POSTGRES_PASS).' >&2
    exit 1
  fi
  secret=$(mktemp)
  chown postgres "$secret"
  printf '%s\n' "$password" >"$secret"
  as_postgres initdb --username="$user" --pwfile="$secret" --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=scram-sha-256 --auth-host=scram-sha-256 --no-sync
  rm -f "$secret"
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    # A single-user server asks for no password and listens nowhere.
    as_postgres postgres --single -j -D "$PGDATA" postgres <<<"CREATE DATABASE \"${database//\"/\"\"}\";"$'\n' >/dev/null
  fi
fi

exec setpriv --reuid=postgres --regid=postgres --init-groups -- \
  postgres -c listen_addresses='*' -c wal_level=logical -c fsync="${POSTGRES_FSYNC:-on}" \
  -c unix_socket_directories=/var/run/postgresql "$@"
