#!/bin/bash
# A server of nobody's conventions but its own, in the manner of Bitnami's: the names are other ones, the user that they name
# is no superuser, and the superuser is nowhere in the environment. Socket and port are where one tells it.
#   POSTGRESQL_USERNAME, POSTGRESQL_PASSWORD (or POSTGRESQL_PASSWORD_FILE), POSTGRESQL_DATABASE: the app's role, which owns its database
#   POSTGRESQL_POSTGRES_PASSWORD: the superuser's password, a random one unless told
#   POSTGRESQL_SOCKET_DIR (/tmp), POSTGRESQL_PORT_NUMBER (5432), POSTGRESQL_LOCAL_AUTH (scram-sha-256)
set -euo pipefail

data=$POSTGRESQL_DATA_DIR
user=${POSTGRESQL_USERNAME:-app}
database=${POSTGRESQL_DATABASE:-app}
socket=${POSTGRESQL_SOCKET_DIR:-/tmp}
port=${POSTGRESQL_PORT_NUMBER:-5432}
local_method=${POSTGRESQL_LOCAL_AUTH:-scram-sha-256}
if [ -n "${POSTGRESQL_PASSWORD_FILE:-}" ]; then POSTGRESQL_PASSWORD=$(<"$POSTGRESQL_PASSWORD_FILE"); fi

mkdir -p "$socket"
if [ ! -s "$data/PG_VERSION" ]; then
  secret=$(mktemp)
  superuser_password=${POSTGRESQL_POSTGRES_PASSWORD:-$(tr -dc '[:alnum:]' </dev/urandom | head -c 20 || true)}
  printf '%s\n' "$superuser_password" >"$secret"
  initdb --pgdata="$data" --username=postgres --pwfile="$secret" --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local="$local_method" --auth-host=scram-sha-256 --no-sync
  rm -f "$secret"
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  pg_ctl --pgdata="$data" --wait --options="-c listen_addresses='' -k $socket -p $port" start
  psql() { PGPASSWORD=$superuser_password command psql -X -q -v ON_ERROR_STOP=1 --host "$socket" --port "$port" --username postgres "$@"; }
  psql --dbname postgres --set user="$user" --set password="${POSTGRESQL_PASSWORD:?}" --set database="$database" <<'SQL'
CREATE ROLE :"user" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"user";
SQL
  psql --dbname "$database" -c 'CREATE EXTENSION postgis'
  pg_ctl --pgdata="$data" --wait --mode=fast stop
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories="$socket" -c port="$port" "$@"
