#!/usr/bin/env bash
# Holds every dependency in Rust against deny.toml: licences, second versions, where it comes from, and known weaknesses.
#
# cargo-deny is compiled once per machine at the version pinned here, and kept outside the clone. The database of known
# weaknesses is a git repository of its own. Where it cannot be had, that is said and all else is checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=0.20.2
cache=${CONVEYOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/conveyor}
dir=$cache/cargo-deny-$version
if [ ! -x "$dir/bin/cargo-deny" ]; then
  echo "compiling cargo-deny $version once, in two minutes" >&2
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  # Its default features fetch without git, which takes longer to compile.
  if ! CARGO_TARGET_DIR="$cache/cargo-deny-build" cargo install --quiet --locked --root "$dir" --no-default-features \
    "cargo-deny@$version" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "cargo-deny could not be compiled" >&2
    exit 1
  fi
  rm -rf "$cache/cargo-deny-build"
fi

deny() { "$dir/bin/cargo-deny" --locked --workspace --log-level error "$@"; }

# Warnings are told too: a reason that is no longer one should go.
deny check --hide-inclusion-graph -D unmatched-skip -D license-not-encountered bans licenses sources

if timeout 60 "$dir/bin/cargo-deny" --log-level off fetch db >/dev/null 2>&1; then
  deny check --disable-fetch --hide-inclusion-graph advisories
else
  echo "SKIPPED: known weaknesses of dependencies (advisories). Their database, RustSec's advisory-db, cannot be reached from here." >&2
fi
