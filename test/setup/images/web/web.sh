#!/bin/bash
# Stands in for the web container of a real stack: it keeps the uploads in use and writes to the database all the
# time, and comes back by itself after the database was away. The usual PG* variables or DATABASE_URL say where the database
# is, UPLOAD_DIR or MEDIA_ROOT where the uploads are. Without migrations it is a worker, which only looks at the database.
set -u

trap 'exit 0' TERM INT
rm -f /tmp/healthy

uploads=${UPLOAD_DIR:-${MEDIA_ROOT:-/app/uploads}}
database=(${DATABASE_URL:+"$DATABASE_URL"})
if [ -n "${PGPASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(<"$PGPASSWORD_FILE")
  export PGPASSWORD
fi

cd "$uploads" || exit 1
exec 8<.
first=$(find . -maxdepth 2 -type f -name '[a-z]*' -print -quit)
if [ -n "$first" ]; then exec 9<"$first"; fi

# In the background, since bash runs a trap only between two commands or while it waits.
patiently() {
  "$@" &
  wait $!
}

while :; do
  if [ "${WEB_HEARTBEAT:-1}" != 1 ] || [ "${RUN_MIGRATIONS:-true}" = false ]; then
    query='select 1'
  else
    query='insert into public.web_heartbeat (at) values (clock_timestamp())'
  fi
  if patiently psql "${database[@]}" -X -q -v ON_ERROR_STOP=1 -c "$query" >/dev/null 2>&1; then
    touch /tmp/healthy
  elif rm -f /tmp/healthy && [ "${RUN_MIGRATIONS:-true}" != false ]; then
    # Only after a failure, so that a healthy stack does nothing but insert.
    patiently psql "${database[@]}" -X -q -c 'create table if not exists public.web_heartbeat (at timestamptz not null)' 2>/dev/null
  fi
  if [ "${WEB_WRITES:-0}" = 1 ]; then
    printf 'written by %s\n' "$HOSTNAME" >"$uploads/web-$(date +%s%N).txt"
  fi
  patiently sleep 1
done
