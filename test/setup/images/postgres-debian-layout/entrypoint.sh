#!/bin/bash
# Behaves like kartoza's image. With every start a temporary server comes first, on 127.0.0.1 alone, in which roles, databases
# and extensions are made; then comes the one that stays, as a child of su. Its settings are made once in a container's life.
set -euo pipefail

etc=/etc/postgresql/17/main
binaries=/usr/lib/postgresql/17/bin

fail() {
  echo "$*" >&2
  exit 1
}

# A value, or the name of a file with the value, but not both.
from_file() {
  local key=$1 file_key=$1_FILE
  if [ -n "${!file_key:-}" ]; then
    [ -z "${!key:-}" ] || fail "error: both $key and $file_key are set"
    printf -v "$key" '%s' "$(<"${!file_key}")"
  fi
}

from_file POSTGRES_USER
from_file POSTGRES_PASS
user=${POSTGRES_USER:-docker}
# Where both families of names are set, the official image's win. Of these no _FILE is read.
password=${POSTGRES_PASSWORD:-${POSTGRES_PASS:-$(tr -dc '[:alnum:]' </dev/urandom | head -c 20 || true)}}
IFS=',' read -ra databases <<<"${POSTGRES_DB:-${POSTGRES_DBNAME:-gis}}"
data=${PGDATA:-${DATADIR:-/var/lib/postgresql/17/main}}
IFS=',' read -ra extensions <<<"${POSTGRES_MULTIPLE_EXTENSIONS:-postgis,hstore,postgis_topology,postgis_raster,pgrouting}"
cron=${ACTIVATE_CRON:-TRUE}
preloaded=${SHARED_PRELOAD_LIBRARIES:-}
if [ -z "$preloaded" ] && [ "${cron^^}" = TRUE ]; then preloaded=pg_cron; fi
method=${PASSWORD_AUTHENTICATION:-scram-sha-256}

as_postgres() { su - postgres -c "$1"; }
as_superuser() { PGPASSWORD=$password psql --quiet --host localhost --port 5432 --username "$user" "$@"; }

write_settings() {
  local marker=/settings/.postgresql.conf.lock
  if [ -e "$marker" ]; then return; fi
  [ -e "$etc/postgresql.conf.template" ] || cp "$etc/postgresql.conf" "$etc/postgresql.conf.template"
  grep -v '^data_directory' "$etc/postgresql.conf.template" >"$etc/postgresql.conf"
  cat >"$etc/postgis.conf" <<SETTINGS
data_directory = '$data'
port = 5432
superuser_reserved_connections = 10
listen_addresses = '${IP_LIST:-*}'
shared_buffers = ${SHARED_BUFFERS:-256MB}
work_mem = ${WORK_MEM:-16MB}
maintenance_work_mem = ${MAINTENANCE_WORK_MEM:-128MB}
wal_buffers = ${WAL_BUFFERS:-1MB}
random_page_cost = 2.0
xmloption = 'document'
max_parallel_maintenance_workers = ${MAINTENANCE_WORKERS:-2}
max_parallel_workers = ${MAX_WORKERS:-4}
shared_preload_libraries = '$preloaded'
cron.database_name = '${databases[0]}'
password_encryption = '$method'
timezone = '${TIMEZONE:-Etc/UTC}'
cron.use_background_workers = on
fsync = ${POSTGRES_FSYNC:-on}
SETTINGS
  cat >"$etc/ssl.conf" <<SETTINGS
ssl = true
ssl_cert_file = '/etc/ssl/certs/ssl-cert-snakeoil.pem'
ssl_key_file = '/etc/ssl/private/ssl-cert-snakeoil.key'
SETTINGS
  printf '%s\n' "include 'postgis.conf'" >>"$etc/postgresql.conf"
  if [ -e /settings/extra.conf ]; then
    cp /settings/extra.conf "$etc/extra.conf"
  elif [ -n "${EXTRA_CONF:-}" ]; then
    echo -e "$EXTRA_CONF" >"$etc/extra.conf"
  fi
  if [ -e "$etc/extra.conf" ]; then printf '%s\n' "include 'extra.conf'" >>"$etc/postgresql.conf"; fi
  printf '%s\n' "include 'ssl.conf'" >>"$etc/postgresql.conf"
  chmod 0600 /etc/ssl/private/ssl-cert-snakeoil.key
  chown -R postgres:postgres /etc/ssl/private "$etc"
  touch "$marker"
}

write_access() {
  local marker=/settings/.pg_hba.conf.lock kind=host
  if [ -e "$marker" ]; then return; fi
  if [ "${FORCE_SSL:-false}" != false ]; then kind=hostssl; fi
  sed -i "s/scram-sha-256/$method/" "$etc/pg_hba.conf"
  cat >>"$etc/pg_hba.conf" <<RULES
$kind all all 172.0.0.0/8 $method
$kind all all 192.168.0.0/16 $method
$kind all all ${ALLOW_IP_RANGE:-0.0.0.0/0} $method
$kind replication replicator ${ALLOW_IP_RANGE:-0.0.0.0/0} $method
RULES
  touch "$marker"
}

make_cluster() {
  local secret waldir=()
  if [ -n "$(ls -A "$data" 2>/dev/null)" ]; then return; fi
  if [ -n "${POSTGRES_INITDB_WALDIR:-}" ]; then
    install -d -o postgres -g postgres "$POSTGRES_INITDB_WALDIR"
    waldir=(--waldir "$POSTGRES_INITDB_WALDIR")
  fi
  mkdir -p "$data"
  chown postgres:postgres "$data"
  secret=$(mktemp)
  printf '%s\n' "$password" >"$secret"
  chown postgres "$secret"
  as_postgres "$binaries/initdb -U postgres --pwfile=$secret -E ${DEFAULT_ENCODING:-UTF8} --lc-collate=${DEFAULT_COLLATION:-en_US.UTF-8} --lc-ctype=${DEFAULT_CTYPE:-en_US.UTF-8} --wal-segsize=${WAL_SEGSIZE:-32} --auth=$method -D $data ${waldir[*]} ${POSTGRES_INITDB_ARGS:-}"
  rm -f "$secret"
}

make_role() {
  local verb=CREATE
  if [ -n "$(as_postgres "psql postgres -t -c \"SELECT 1 FROM pg_roles WHERE rolname = '$1'\"" | tr -d '[:space:]')" ]; then verb=ALTER; fi
  printf '%s\n' "$verb USER \"$1\" WITH $2 ENCRYPTED PASSWORD '$3';" >/tmp/role.sql
  as_postgres 'psql postgres -f /tmp/role.sql'
  rm -f /tmp/role.sql
}

make_database() {
  local database=$1 extension scripts
  if [ "$(as_superuser --dbname postgres -At --set=name="$database" <<<"SELECT count(*) FROM pg_database WHERE datname = :'name'")" != 0 ]; then return; fi
  PGPASSWORD=$password createdb --host localhost --username "$user" "$database"
  if [ "${cron^^}" = TRUE ]; then as_superuser --dbname "${databases[0]}" -c 'CREATE EXTENSION IF NOT EXISTS pg_cron CASCADE' || true; fi
  for extension in "${extensions[@]}"; do
    as_superuser --dbname "$database" -c "CREATE EXTENSION IF NOT EXISTS \"${extension%%:*}\" CASCADE" || true
  done
  # Functions of PostGIS's past, which belong to no extension and so are in every dump.
  scripts=$(echo /usr/share/postgresql/17/contrib/postgis-*)
  as_superuser --dbname "$database" -o /dev/null -f "$scripts/legacy_minimal.sql" 2>/dev/null || true
  as_superuser --dbname "$database" -o /dev/null -f "$scripts/legacy_gist.sql" 2>/dev/null || true
}

run_scripts() {
  local marker=/docker-entrypoint-initdb.d/.entry_point.lock file
  if [ -e "$marker" ]; then return; fi
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sql) as_superuser --dbname "${databases[0]}" -f "$file" || true ;;
      *.sql.gz) gunzip <"$file" | as_superuser --dbname "${databases[0]}" || true ;;
      *.sh) bash "$file" || true ;;
    esac
  done
  touch "$marker" 2>/dev/null || true
}

write_settings
write_access
make_cluster
install -d -m 0777 /var/run/postgresql
chown -R postgres:postgres "$data"
chmod -R 750 "$data"

trap 'kill -TERM "$(head -n 1 "$data/postmaster.pid")" 2>/dev/null; exit 143' TERM
as_postgres "$binaries/postgres -D $data -c config_file=$etc/postgresql.conf -c listen_addresses='127.0.0.1' &"
for ((attempt = 0; attempt < 300; attempt++)); do
  if as_postgres "$binaries/pg_isready --quiet"; then break; fi
  sleep 0.2
done
make_role "$user" SUPERUSER "$password"
make_role replicator REPLICATION "${REPLICATION_PASS:-replicator}"
for database in "${databases[@]}"; do make_database "$database"; done
run_scripts
kill -TERM "$(head -n 1 "$data/postmaster.pid")"
while [ -e "$data/postmaster.pid" ]; do sleep 0.2; done
trap - TERM

if [ $# = 0 ]; then
  exec su - postgres -c "POSTGIS_ENABLE_OUTDB_RASTERS=1 POSTGIS_GDAL_ENABLED_DRIVERS=ENABLE_ALL $binaries/postgres -D $data -c config_file=$etc/postgresql.conf"
fi
# What begins with a dash is no option of the server but of su, whose shell takes the next word for a command and ends.
if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
exec su - "$@"
