#!/usr/bin/env bash
# Installs what is needed and is not there yet; silent where nothing is missing.
#
# Usage: scripts/deps.sh build|test|demo|clients ...
set -euo pipefail

# What is looked for, and Debian's package that has it.
build=("cc:gcc" "c++:g++" "make:make" "libclang:libclang-dev")
tests=("git:git" "curl:curl" "jq:jq" "strace:strace" "script:bsdutils" "go:golang-go" "npm:npm" "podman:podman" "runc:runc" "busybox:busybox-static" "python-venv:python3-venv" "javac:openjdk-17-jdk-headless" "mvn:maven")
# Where these cannot be installed, what needs them is left out and says so.
clients=("npm:npm" "go:golang-go" "python3:python3" "python-venv:python3-venv" "javac:openjdk-17-jdk-headless" "mvn:maven")
demo=("git:git" "curl:curl" "skopeo:skopeo")

is_there() {
  case $1 in
    # Not libclang-cpp.so, which other packages bring and which has no C interface.
    libclang) compgen -G '/usr/lib/llvm-*/lib/libclang[.-][s0-9]*so*' >/dev/null || compgen -G '/usr/lib*/libclang.so*' >/dev/null ;;
    python-venv) python3 -c "import ensurepip" 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

can_install() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; }

if ! command -v cargo >/dev/null; then
  echo "missing: Rust. Install it by https://rustup.rs, then try again." >&2
  exit 1
fi

missing=()
for set in "$@"; do
  case $set in
    build) entries=("${build[@]}") ;;
    test) entries=("${tests[@]}") ;;
    demo) entries=("${demo[@]}") ;;
    clients) can_install || continue; entries=("${clients[@]}") ;;
    *) echo "usage: scripts/deps.sh build|test|demo|clients ..." >&2; exit 2 ;;
  esac
  for entry in "${entries[@]}"; do
    is_there "${entry%%:*}" || missing+=("${entry##*:}")
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! can_install; then
  echo "missing: ${missing[*]} (the names of Debian's packages). Install them, then try again." >&2
  exit 1
fi
echo "installing ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install ${missing[*]}" >&2
  exit 1
fi
