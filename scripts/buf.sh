#!/usr/bin/env bash
# Runs buf, kept outside the clone at the version pinned here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=1.75.0
dir=${CONVEYOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/conveyor}/buf-$version
if [ ! -x "$dir/node_modules/.bin/buf" ]; then
  command -v npm >/dev/null || { echo "buf needs npm: install Node.js, then try again" >&2; exit 1; }
  mkdir -p "$dir"
  npm install --silent --no-fund --no-audit --prefix "$dir" "@bufbuild/buf@$version" >/dev/null
fi
exec "$dir/node_modules/.bin/buf" "$@"
