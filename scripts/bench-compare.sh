#!/usr/bin/env bash
# Builds the server of another version beside this one, and measures both in turn with this version's harness.
# The other version's files and build output stay in the build folder, so that the next comparison builds little.
#
# Usage: scripts/bench-compare.sh <git ref> [subject ...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${1:-}" ]; then
  echo "which version to compare with? make bench-compare BASE=<git ref>" >&2
  exit 2
fi
ref=$1
shift

commit=$(git rev-parse --verify --quiet "$ref^{commit}") || { echo "git knows no $ref" >&2; exit 1; }
folder=${CARGO_TARGET_DIR:-target}/compare
tree=$folder/tree
mkdir -p "$folder"
folder=$(realpath "$folder")
# A build folder may have been removed, and the tree with it.
git worktree prune
[ -e "$tree" ] || git worktree add --quiet --detach "$tree" "$commit"
git -C "$tree" checkout --quiet --force --detach "$commit"

# Builds with the RocksDB of a version's own lock file.
cargo_of() {
  local version=$1
  shift
  (cd "$version" && ROCKSDB_STATIC=1 ROCKSDB_LIB_DIR="$(scripts/rocksdb.sh)" cargo "$@")
}
CARGO_TARGET_DIR=$folder/target cargo_of "$tree" build --locked --release --bin conveyor
cargo_of . bench --locked --bench conveyor -- \
  --base "$folder/target/release/conveyor" --base-name "$ref ($(git rev-parse --short "$commit"))" "$@"
