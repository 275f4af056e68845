#!/bin/bash
# A first start serves on the socket alone for three seconds, for scripts of its own, and ends; only then comes the server
# that stays. Whoever takes the first for the second is thrown out.
set -euo pipefail

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  entrypoint.sh -c listen_addresses='' &
  until pg_isready --quiet --host=/var/run/postgresql; do sleep 0.1; done
  sleep 3
  kill -INT $!
  wait $! || true
fi
exec entrypoint.sh "$@"
