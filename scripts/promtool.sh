#!/usr/bin/env bash
# Runs promtool: the one on the PATH, or that of Debian's package prometheus, taken out of it and kept outside the
# clone. To install the package would start a Prometheus.
set -euo pipefail

if command -v promtool >/dev/null; then
  exec promtool "$@"
fi
dir=${CONVEYOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/conveyor}/promtool
if [ ! -x "$dir/promtool" ]; then
  command -v apt-get >/dev/null || { echo "promtool is missing: install Prometheus, then try again" >&2; exit 1; }
  (
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    download() { apt-get download prometheus >/dev/null 2>&1; }
    download || { apt-get update >/dev/null 2>&1 && download; } \
      || { echo "promtool is missing, and apt-get could not download the package prometheus" >&2; exit 1; }
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
    mkdir -p "$dir"
    # Moved inside one file system, so that nobody finds half of it.
    cp usr/bin/promtool "$dir/promtool.$$"
    mv "$dir/promtool.$$" "$dir/promtool"
  )
fi
exec "$dir/promtool" "$@"
