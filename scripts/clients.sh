#!/usr/bin/env bash
# Checks and tests the clients that are not Rust.
#
# Usage: scripts/clients.sh check|test [language ...]     CONVEYOR_BIN names the server that tests start
#
# A language is a line in languages.sh and two functions, check_<language> and test_<language>.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../clients"
source ../scripts/languages.sh

check_go() {
  cd go
  unformatted=$(gofmt -l .)
  [ -z "$unformatted" ] || { echo "gofmt would change: $unformatted" >&2; return 1; }
  GOFLAGS=-mod=readonly go vet ./...
}

test_go() {
  cd go
  go test -race -count=1 ./...
}

# Puts the pinned tools on the PATH.
env_python() {
  cd python
  PATH=$(../../scripts/python.sh clients/python/requirements-dev.txt)/bin:$PATH
  export PYTHONDONTWRITEBYTECODE=1
}

check_python() {
  env_python
  ruff format --quiet --check .
  ruff check --quiet .
  mypy
  wheels=$(mktemp -d)
  hatchling build -t wheel -d "$wheels" 2>/dev/null >&2
  # What its users get has types.
  python -m zipfile -l "$wheels"/*.whl | grep conveyor/py.typed >/dev/null
  rm -rf "$wheels"
}

test_python() {
  env_python
  pytest -q -p no:cacheprovider
}

check_typescript() {
  ../scripts/typescript.sh
  cd typescript
  node_modules/.bin/biome check --error-on-warnings . >&2
}

test_typescript() {
  ../scripts/typescript.sh
  cd typescript
  "$(../../scripts/node20.sh)" --test dist/test/*.test.js
}

check_java() {
  cd java
  mvn -q -B -DskipTests spotless:check package
}

test_java() {
  cd java
  mvn -q -B test
}

what=$1
shift
for entry in "${languages[@]}"; do
  read -r language toolchain <<<"$entry"
  # Cargo has checked and tested Rust's.
  [ "$language" != rust ] || continue
  [ $# -eq 0 ] || [[ " $* " == *" $language "* ]] || continue
  if has_toolchain "$toolchain"; then
    ("${what}_$language")
  else
    skip "clients/$language" "$toolchain"
  fi
done
