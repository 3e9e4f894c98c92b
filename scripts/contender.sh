#!/usr/bin/env bash
# Builds the contender of a language (clients/conformance/README.md says what that is) and prints the command that
# starts it, a word on each line.
#
# Usage: scripts/contender.sh LANGUAGE PLACE     PLACE is a folder that exists, for what is built
#        scripts/contender.sh --list             the languages, a line each
# CONTENDER_RUST names the contender in Rust. Exits 3 where the toolchain is missing, which it says; in CI that is 1.
#
# A language is a line in languages.sh and a function that builds its contender and sets `command`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/languages.sh

contender_rust() {
  command=("$CONTENDER_RUST")
}

contender_go() {
  (cd clients/go && go build -o "$place/contender-go" ./internal/contender)
  command=("$place/contender-go")
}

contender_python() {
  local python
  python=$(scripts/python.sh clients/python/requirements-dev.txt)/bin/python
  command=(env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$PWD/clients/python/src" "$python" "$PWD/clients/python/contender/contender.py")
}

contender_typescript() {
  scripts/typescript.sh
  command=("$(scripts/node20.sh)" "$PWD/clients/typescript/dist/contender/contender.js")
}

# A small heap, so that memory which is not bounded shows.
contender_java() {
  local classes=$PWD/clients/java/target
  (cd clients/java && mvn -q -B test-compile dependency:build-classpath -Dmdep.outputFile="$place/java-classpath")
  command=(java -Xmx64m -XX:MaxDirectMemorySize=64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1
    -cp "$classes/classes:$classes/test-classes:$(<"$place/java-classpath")" ug.open.conveyor.contender.Contender)
}

if [ "$1" = --list ]; then
  printf '%s\n' "${languages[@]%% *}"
  exit 0
fi
place=$2
for entry in "${languages[@]}"; do
  read -r language toolchain <<<"$entry"
  [ "$language" = "$1" ] || continue
  if ! has_toolchain "$toolchain"; then
    skip "the contender in $language" "$toolchain" || exit 1
    exit 3
  fi
  "contender_$language" >&2
  printf '%s\n' "${command[@]}"
  exit 0
done
echo "no contender in $1: there are $("${BASH_SOURCE[0]}" --list | paste -sd ' ')" >&2
exit 1
