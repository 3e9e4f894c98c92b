# The languages of the clients, and whether a machine has what each needs. Read by the scripts that go through them.
# shellcheck shell=bash

# The language and the toolchain that it needs, in the order of tables.
languages=("rust cargo" "go go" "python python3" "typescript node20" "java jdk17")

beside=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Whether a toolchain is there; of Node.js and the JDK a version that the runtime runs on. npm brings the former.
has_toolchain() {
  case $1 in
    node20) command -v npm >/dev/null && "$beside/node20.sh" >/dev/null ;;
    jdk17) command -v mvn >/dev/null && javac --release 17 --version >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# Says what is left out for want of a toolchain; in CI that is a failure.
skip() {
  local what=$1 toolchain=$2
  case $toolchain in
    node20) toolchain="npm, or the Node.js 20 that it was to bring," ;;
    jdk17) toolchain="a JDK of 17 or later, with Maven," ;;
  esac
  echo "SKIPPED: $what, since $toolchain is missing (make deps installs what Debian has)" >&2
  [ -z "${CI:-}" ]
}
