#!/usr/bin/env bash
# Runs each target of src/fuzz.rs under libFuzzer for SECONDS_EACH seconds, or those that are named. Needs a nightly
# toolchain and cargo-fuzz (cargo install cargo-fuzz). An input that fails is kept in fuzz/artifacts/<target>/.
#
# The targets hold their own limit of 10 s. That of libFuzzer is for what never comes back, and leaves room for the turn
# from one server to the next.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Servers that are attacked write much, and none of it has to last.
if [ -d /dev/shm ]; then export TMPDIR=${TMPDIR:-/dev/shm}; fi
export ROCKSDB_STATIC=1 ROCKSDB_LIB_DIR
ROCKSDB_LIB_DIR=$(scripts/rocksdb.sh)
# There is no unsafe code to be watched, and the address sanitizer costs two thirds of the speed.
build=(cargo +nightly fuzz build --sanitizer none --codegen-units 16 decoders)
(cd fuzz && "${build[@]}")
program=$(find "${CARGO_TARGET_DIR:-fuzz/target}" -path '*/release/decoders' -type f | head -n 1)

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  mapfile -t names < <(sed -nE 's/^ +(target|served|said)\("([a-z-]+)".*/\2/p' src/fuzz.rs)
fi
failed=0
for name in "${names[@]}"; do
  mkdir -p "fuzz/corpus/$name" "fuzz/artifacts/$name"
  echo "== $name"
  TARGET=$name SEEDS=fuzz/corpus/$name "$program" "fuzz/corpus/$name" \
    -artifact_prefix="fuzz/artifacts/$name/" -max_total_time="${SECONDS_EACH:-60}" -timeout=60 -rss_limit_mb=2048 \
    -max_len=65536 -print_final_stats=1 -verbosity=0 || failed=1
done
exit $failed
