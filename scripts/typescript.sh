#!/usr/bin/env bash
# Builds the TypeScript client. Its packages are kept outside the clone, one folder for each lock file, and
# stand in it as a link that git passes over; a node_modules of one's own stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../clients/typescript"

cache=${CONVEYOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/conveyor}
dir=$cache/typescript-$(cat package.json package-lock.json | sha256sum | cut -c1-16)
if [ ! -e node_modules ] || [ -L node_modules ]; then
  mkdir -p "$dir"
  exec 9>"$dir/.lock"
  flock 9
  if [ ! -e "$dir/.complete" ]; then
    cp package.json package-lock.json .npmrc "$dir"
    npm ci --silent --no-fund --no-audit --ignore-scripts --prefix "$dir" >&2
    touch "$dir/.complete"
  fi
  ln -sfn "$dir/node_modules" node_modules
fi
node_modules/.bin/tsc
