#!/usr/bin/env bash
# Installs what building, testing and the demo need and is not there yet. Silent where nothing is missing.
set -euo pipefail

# command or file : Debian package
needed=(
  "cc:gcc" "c++:g++" "make:make" "git:git" "curl:curl" "strace:strace" "/usr/include/clang-c/Index.h:libclang-dev"
  "podman:podman" "runc:runc" "/bin/busybox:busybox-static" "skopeo:skopeo" "docker-registry:docker-registry" "go:golang-go" "npm:npm"
)

missing=()
for entry in "${needed[@]}"; do
  what=${entry%%:*} package=${entry##*:}
  case $what in
    /usr/include/clang-c/*) compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null || [ -e "$what" ] || missing+=("$package") ;;
    /*) [ -e "$what" ] || [ -e "/usr$what" ] || missing+=("$package") ;;
    *) command -v "$what" >/dev/null || missing+=("$package") ;;
  esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: ${missing[*]} (these are Debian's package names). Install them, then try again." >&2
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
