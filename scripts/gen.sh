#!/usr/bin/env bash
# Writes the generated code of the clients that check it in, with generators of the versions pinned here.
#
# Usage: scripts/gen.sh           writes it
#        scripts/gen.sh --check   fails where what is checked in differs
#
# A language is a line in languages.sh, a place below, a function gen_<language> that puts its generators on the PATH,
# and a clients/<language>/buf.gen.yaml, or a function write_<language> where buf does not run them.
# Generators are kept outside the clone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/languages.sh

# Where the generated code of a language stands. Rust's is made as it is built.
declare -A places=(
  [go]=clients/go/conveyorv1
  [python]=clients/python/src/conveyor/v1
  [typescript]=clients/typescript/src/gen
  [java]=clients/java/src/main/java/ug/open/conveyor/v1
)
cache=${CONVEYOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/conveyor}

# The newest generators that the Go of a plain Debian 12 builds.
gen_go() {
  go_tool google.golang.org/protobuf/cmd/protoc-gen-go v1.34.1
  go_tool google.golang.org/grpc/cmd/protoc-gen-go-grpc v1.3.0
}

gen_python() {
  PATH=$(scripts/python.sh clients/python/requirements-gen.txt)/bin:$PATH
}

# The generator of gRPC for Python is a part of its own protoc.
write_python() {
  python -m grpc_tools.protoc --proto_path=proto --python_out="$1/clients/python/src" \
    --grpc_python_out="$1/clients/python/src" --mypy_out="quiet:$1/clients/python/src" \
    --mypy_grpc_out="quiet:$1/clients/python/src" proto/conveyor/v1/*.proto
}

# Puts a Go program of this version on the PATH.
go_tool() {
  local dir="$cache/gen/${1##*/}-$2"
  [ -x "$dir/${1##*/}" ] || GOBIN=$dir GOFLAGS=-modcacherw GOTOOLCHAIN=local go install "$1@$2"
  PATH=$dir:$PATH
}

gen_typescript() {
  local dir="$cache/gen/ts-proto-2.11.8"
  [ -x "$dir/node_modules/.bin/protoc-gen-ts_proto" ] ||
    npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$dir" ts-proto@2.11.8 >&2
  PATH=$dir/node_modules/.bin:$PATH
}

gen_java() {
  local dir="$cache/gen/java-33.5-1.82.0"
  maven_tool "$dir/protoc" com.google.protobuf:protoc:4.33.5
  maven_tool "$dir/protoc-gen-grpc-java" io.grpc:protoc-gen-grpc-java:1.82.0
  PATH=$dir:$PATH
}

# Puts a program that Maven's registry keeps for each machine into a file.
maven_tool() {
  [ ! -x "$1" ] || return 0
  local machine dir
  machine=$(uname -s | sed 's/Linux/linux/; s/Darwin/osx/')-$(uname -m | sed 's/aarch64\|arm64/aarch_64/')
  mkdir -p "${1%/*}"
  dir=$(mktemp -d "${1%/*}/get.XXXXXX")
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy \
    -Dartifact="$2:exe:$machine" -DoutputDirectory="$dir" >&2
  chmod +x "$dir"/*.exe
  mv "$dir"/*.exe "$1"
  rmdir "$dir"
}

out=.
if [ "${1:-}" = --check ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
for entry in "${languages[@]}"; do
  read -r language toolchain <<<"$entry"
  place=${places[$language]:-}
  [ -n "$place" ] || continue
  has_toolchain "$toolchain" || { skip "the generated code of $place" "$toolchain"; continue; }
  "gen_$language"
  [ "$out" != . ] || rm -rf "$place"
  if declare -F "write_$language" >/dev/null; then
    mkdir -p "$out/$place"
    "write_$language" "$out"
  else
    scripts/buf.sh generate --template "clients/$language/buf.gen.yaml" --output "$out"
  fi
  if [ "$out" != . ] && ! diff -rq --exclude=__pycache__ "$place" "$out/$place"; then
    echo "$place is not what the proto files say: run make gen and commit what it writes" >&2
    exit 1
  fi
done
