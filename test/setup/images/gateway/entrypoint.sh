#!/bin/bash
# Ceph's object gateway without a cluster: all it stores is in one directory, which goes away with the container.
# GATEWAY_USERS holds a line "NAME ACCESS_KEY SECRET_KEY" for every user; it listens on GATEWAY_PORT of 127.0.0.1.
set -euo pipefail

data=/data
options=(--no-mon-config --rgw_backend_store=dbstore --rgw_config_store=dbstore --dbstore_db_dir="$data"
  --dbstore_config_uri="file://$data/config.db" --rgw_data="$data")

# Once in a while radosgw-admin has done its work and then waits for a thread of its own for ever. Whoever was ended
# there is told the next time that the user exists (17 is EEXIST).
create_user() {
  local status attempt
  for attempt in {1..10}; do
    status=0
    timeout --signal=KILL 1 radosgw-admin "${options[@]}" user create --uid="$1" --display-name="$1" \
      --access-key="$2" --secret-key="$3" >/dev/null </dev/null || status=$?
    case $status in
      0) return ;;
      17) if [ "$attempt" -gt 1 ]; then return; fi ;;
    esac
  done
  return "$status"
}

while read -r name access secret; do
  create_user "$name" "$access" "$secret"
done <<<"$GATEWAY_USERS"

exec radosgw "${options[@]}" --foreground --name=client.gateway \
  --rgw_frontends="beast endpoint=127.0.0.1:$GATEWAY_PORT" "$@"
