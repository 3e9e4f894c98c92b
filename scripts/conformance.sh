#!/usr/bin/env bash
# Runs the conformance suite against every runtime whose toolchain is there.
#
# Usage: scripts/conformance.sh [language ...]
# CONFORMANCE names the suite, CONTENDER_RUST the contender in Rust; CONFORMANCE_OPTIONS goes to the suite.
#
# A language is a line in `languages` and a function that builds its contender and sets `command`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The language and the command that it needs.
languages=("rust cargo" "go go" "python python3" "typescript npm")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

contender_rust() {
  command=("$CONTENDER_RUST")
}

contender_go() {
  (cd clients/go && go build -o "$work/contender-go" ./internal/contender)
  command=("$work/contender-go")
}

contender_python() {
  local python
  python=$(scripts/python.sh clients/python/requirements-dev.txt)/bin/python
  command=(env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$PWD/clients/python/src" "$python" clients/python/contender/contender.py)
}

contender_typescript() {
  scripts/typescript.sh
  command=(node clients/typescript/dist/contender/contender.js)
}

# Without its tool a language is left out, said aloud; in CI that is a failure.
skip() {
  echo "SKIPPED: conformance of clients/$1, since $2 is missing (make deps installs it)" >&2
  [ -z "${CI:-}" ]
}

failed=0
for entry in "${languages[@]}"; do
  read -r language tool <<<"$entry"
  [ $# -eq 0 ] || [[ " $* " == *" $language "* ]] || continue
  if command -v "$tool" >/dev/null; then
    "contender_$language"
    # shellcheck disable=SC2086  # Several options may be given.
    "$CONFORMANCE" --runtime "$language" ${CONFORMANCE_OPTIONS:-} -- "${command[@]}" || failed=1
  else
    skip "$language" "$tool" || failed=1
  fi
done
exit "$failed"
