#!/usr/bin/env bash
# Builds RocksDB once per machine and keeps the archive outside the clone, so that a clean build of
# Conveyor costs a minute instead of a quarter of an hour. Prints the folder that holds librocksdb.a.
# The archive is found by its version in Cargo.lock; nothing is rebuilt while that stays the same.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(awk '/^name = "librocksdb-sys"/ { getline; gsub(/[",]/, "", $3); print $3 }' Cargo.lock)
cache=${CONVEYOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/conveyor}
dir=$cache/librocksdb-$version-$(uname -m)
if [ -f "$dir/librocksdb.a" ]; then
  echo "$dir"
  exit 0
fi

mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
if [ ! -f "$dir/librocksdb.a" ]; then
  build=$dir/build
  echo "RocksDB $version is compiled once for this machine (10 to 25 minutes on two cores), then kept in $dir" >&2
  env -u ROCKSDB_LIB_DIR -u ROCKSDB_STATIC CARGO_TARGET_DIR="$build" \
    cargo build --locked --release --package librocksdb-sys >"$dir/build.log" 2>&1 &
  cargo=$!
  start=$SECONDS
  while kill -0 "$cargo" 2>/dev/null; do
    sleep 5
    done_files=$(find "$build" -name '*.o' 2>/dev/null | wc -l)
    printf '  %3d of about 390 files, %d:%02d\n' "$done_files" $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)) >&2
  done | awk -v tty="$([ -t 2 ] && echo 1 || echo 0)" '{ if (tty) printf "\r%s", $0 > "/dev/stderr"; else if (NR % 12 == 1) print > "/dev/stderr" } END { if (tty) print "" > "/dev/stderr" }'
  if ! wait "$cargo"; then
    tail -n 20 "$dir/build.log" >&2
    echo "RocksDB did not compile. It needs a C++ compiler and libclang: run 'make deps' (Debian: apt-get install g++ libclang-dev), then try again." >&2
    exit 1
  fi
  archive=$(find "$build" -name librocksdb.a | head -n 1)
  cp "$archive" "$dir/.partial"
  mv "$dir/.partial" "$dir/librocksdb.a"
  rm -rf "$build"
fi
echo "$dir"
