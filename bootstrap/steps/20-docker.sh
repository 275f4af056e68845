# shellcheck shell=bash disable=SC2034,SC2154
# (bootstrap.sh reads this file; variables are shared between all that it reads.)
# Docker: an engine that answers, and its client. An engine that runs is never touched.

docker_title='Docker'

docker_plan() {
  docker_missing=()
  if command -v docker >/dev/null; then
    if engine_answers; then
      found="Docker $(docker version --format '{{.Server.Version}}') answers"
      return
    fi
    if [ -n "${DOCKER_HOST:-}" ]; then
      fail 1 "no Docker engine answers at DOCKER_HOST ($DOCKER_HOST)" 'Start it, or unset DOCKER_HOST, then run bootstrap again.'
    fi
    command -v dockerd >/dev/null || docker_missing=(docker.io)
  elif [ -S /var/run/docker.sock ]; then
    # Whatever made the socket, the client alone has to come.
    docker_missing=("$(client_package)")
  else
    docker_missing=(docker.io "$(client_package)")
  fi
  if [ ${#docker_missing[@]} -gt 0 ]; then
    mapfile -t docker_missing < <(printf '%s\n' "${docker_missing[@]}" | sort -u)
    todo+=("installing the packages ${docker_missing[*]}")
  fi
  [ -S /var/run/docker.sock ] || todo+=('starting the engine')
}

docker_apply() {
  if [ -S /var/run/docker.sock ]; then
    [ ${#docker_missing[@]} = 0 ] || without_services install_packages "${docker_missing[@]}"
  elif [ ${#docker_missing[@]} -gt 0 ]; then
    install_packages "${docker_missing[@]}"
  fi
  if wait_for_engine 5; then return; fi
  start_service docker || true
  wait_for_engine 60 || fail 1 'the Docker engine does not answer' \
    'Look at its log (journalctl -u docker, or /var/log/docker.log), start it, then run bootstrap again.'
}

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1 </dev/null; }

# $1 seconds.
wait_for_engine() {
  local end=$((SECONDS + $1))
  until engine_answers; do
    if [ "$SECONDS" -ge "$end" ]; then return 1; fi
    run sleep 0.5
  done
}

# Since Debian 13 the client is a package of its own.
client_package() {
  case "$(os_release ID) $(os_release VERSION_ID)" in
    'debian 13') printf 'docker-cli' ;;
    *) printf 'docker.io' ;;
  esac
}
