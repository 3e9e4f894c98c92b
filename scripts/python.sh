#!/usr/bin/env bash
# Prints the folder of a Python environment with the packages that a requirements file pins, or else with those that
# the tests need. It is made once and kept outside the clone.
#
# Usage: scripts/python.sh [requirements file]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pinned=${1:-tests/it/openapi/requirements.txt}
version=$(sha256sum "$pinned" | cut -c 1-12)
dir=${CONVEYOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/conveyor}/python-$version
if [ ! -e "$dir/.complete" ]; then
  mkdir -p "$dir"
  exec 9>"$dir/.lock"
  flock 9
  if [ ! -e "$dir/.complete" ]; then
    python3 -m venv "$dir" >&2
    "$dir/bin/pip" install --quiet --disable-pip-version-check --require-virtualenv -r "$pinned" >&2
    touch "$dir/.complete"
  fi
fi
echo "$dir"
