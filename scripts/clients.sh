#!/usr/bin/env bash
# Checks and tests the clients that are not Rust.
#
# Usage: scripts/clients.sh check|test [language ...]     CONVEYOR_BIN names the server that tests start
#
# A language is a line in `languages` and two functions, check_<language> and test_<language>.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../clients"

# The language and the command that it needs.
languages=("go go" "python python3" "typescript node20" "java jdk17")

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
  node_modules/.bin/biome lint --error-on-warnings . >&2
}

test_typescript() {
  ../scripts/typescript.sh
  cd typescript
  node --test dist/test/
}

check_java() {
  cd java
  mvn -q -B test-compile
}

test_java() {
  cd java
  mvn -q -B test
}

# Debian 12's own Node.js is 18, which is too old.
has() {
  case $1 in
    node20) command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null ;;
    jdk17) command -v mvn >/dev/null && javac --release 17 --version >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# Without its tool a language is left out, said aloud; in CI that is a failure.
skip() {
  echo "SKIPPED: clients/$1, since $2 is missing (make deps installs it)" >&2
  [ -z "${CI:-}" ]
}

what=$1
shift
for entry in "${languages[@]}"; do
  read -r language tool <<<"$entry"
  [ $# -eq 0 ] || [[ " $* " == *" $language "* ]] || continue
  if has "$tool"; then
    ("${what}_$language")
  else
    skip "$language" "$tool"
  fi
done
