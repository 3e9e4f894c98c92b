#!/usr/bin/env bash
# Prints a folder whose node_modules holds the clients that the tests follow logs with, at the versions pinned here. It
# is made once and kept outside the clone.
set -euo pipefail

packages=("ws@8.23.0" "eventsource@5.1.5")
version=$(printf '%s-' "${packages[@]}" | tr '@' '-')
dir=${CONVEYOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/conveyor}/node-${version%-}
if [ ! -e "$dir/.complete" ]; then
  mkdir -p "$dir"
  exec 9>"$dir/.lock"
  flock 9
  if [ ! -e "$dir/.complete" ]; then
    npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$dir" "${packages[@]}" >&2
    touch "$dir/.complete"
  fi
fi
echo "$dir"
