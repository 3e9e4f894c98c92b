#!/usr/bin/env bash
# Shows Conveyor at work: a server, six drivers, the tutorial's resource, and a pipeline that takes a program from
# its git repository to an image in a registry. All of it is real, on this machine alone, and gone afterwards.
#
# Usage: CONVEYOR_BIN=target/release/conveyor scripts/demo.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
conveyor=$(realpath "${CONVEYOR_BIN:-${CARGO_TARGET_DIR:-target}/release/conveyor}")
work=$(mktemp -d "${TMPDIR:-/tmp}/conveyor-demo.XXXXXX")
pids=()
export CONVEYOR_LOG=warn

bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi
title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s   %s%s\n' "$dim" "$*" "$plain"; }
fail() {
  printf '\ndemo: %s\n' "$*" >&2
  exit 1
}

# Starts a program in the background; what it says goes to NAME.log.
start() {
  local name=$1
  shift
  "$@" >"$work/$name.log" 2>&1 &
  # The last one started is the first one stopped: drivers before their server.
  pids=("$!" ${pids[@]+"${pids[@]}"})
}

# Asks a program to end: first when its work is done, after 2 s at once, and makes it end after 10 s more.
stop() {
  local tenth
  for tenth in $(seq 0 120); do
    case $tenth in
      0 | 20) kill "$1" 2>/dev/null || break ;;
      120) kill -KILL "$1" 2>/dev/null || break ;;
      *) kill -0 "$1" 2>/dev/null || break ;;
    esac
    sleep 0.1
  done
  wait "$1" 2>/dev/null || true
}

clean() {
  local status=$? pid log
  trap '' INT TERM
  trap - EXIT
  for pid in ${pids[@]+"${pids[@]}"}; do stop "$pid"; done
  if [ "$status" -ne 0 ]; then
    for log in "$work"/*.log; do
      [ -s "$log" ] || continue
      printf '\n--- the end of %s\n' "$(basename "$log")" >&2
      tail -n 15 "$log" >&2
    done
  fi
  rm -rf "$work"
  [ "$status" -ne 0 ] || title "done: everything is stopped and removed"
  exit "$status"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Waits until the log NAME.log has a line like PATTERN, and prints the pattern's first group.
await() {
  local found
  for _ in $(seq 200); do
    found=$(sed -n "s|.*$2.*|\1|p" "$work/$1.log" | head -n 1)
    if [ -n "$found" ]; then
      printf '%s\n' "$found"
      return
    fi
    sleep 0.1
  done
  fail "$1 did not start within 20 s"
}

install_missing() {
  local needed=(git make cc tar sha256sum curl) missing=() tool
  for tool in "${needed[@]}" skopeo; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  title "installing what is missing: ${missing[*]}"
  scripts/deps.sh demo || note "scripts/deps.sh did not succeed; going on with what there is"
  for tool in "${needed[@]}"; do
    command -v "$tool" >/dev/null || fail "the demo needs $tool: install it and try again"
  done
}

# Prints the path of a registry program: an installed one, or Debian's, unpacked here so that no service is set up.
find_registry() {
  command -v skopeo >/dev/null || return 1
  command -v docker-registry && return
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  (
    cd "$work"
    timeout 60 apt-get download docker-registry && dpkg-deb --extract docker-registry_*.deb registry-program
  ) >"$work/registry-package.log" 2>&1 || return 1
  printf '%s\n' "$work/registry-program/usr/bin/docker-registry"
}

start_registry() {
  cat >"$work/registry.yaml" <<END
version: 0.1
log: {accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:0"}
END
  start registry "$1" serve "$work/registry.yaml"
}

start_driver() {
  local name=$1
  shift
  start "$name" "$conveyor" driver command-runner --name "$name" --runtime process "$@"
}

# Posts the resource on stdin as the tutorial does, follows the log of its run, and shows how it ended.
post_and_follow() {
  local answer run
  answer=$(curl --silent --show-error --fail-with-body --max-time 20 --header 'Content-Type: application/json' \
    --data-binary @- "$CONVEYOR_SERVER/resources/") || fail "the server answered: $answer"
  note "POST $CONVEYOR_SERVER/resources/ answers $answer"
  run=$(sed -n 's/.*"runid": *"\([^"]*\)".*/\1/p' <<<"$answer")
  [ -n "$run" ] || fail "the answer names no run"
  note "conveyor logs $run --follow"
  timeout --foreground 120 "$conveyor" logs "$run" --follow || fail "the log of run $run did not come to its end"
  note "conveyor runs $run"
  "$conveyor" runs "$run"
  "$conveyor" runs "$run" --output json | grep -q '"RUN_STATE_SUCCEEDED"' || fail "run $run did not succeed"
}

[ -x "$conveyor" ] || fail "there is no $conveyor: run 'make build' first"
install_missing

title "a server on a free port, with an empty store"
start server "$conveyor" up --listen 127.0.0.1:0 --data "$work/data"
CONVEYOR_SERVER=$(await server 'listening on \(http://[^ ]*\)')
export CONVEYOR_SERVER
note "$CONVEYOR_SERVER"
"$conveyor" apply --file examples/definitions.yaml --file examples/docker-pipeline.json

title "ubuntu-pipeline-6, the resource of the tutorial"
note "Its image is in a registry that may be out of reach, so its commands run on this host: --runtime process"
start_driver command-runner
post_and_follow <examples/ubuntu-pipeline-6.json

title "a git repository with a small program, and a place for its image"
cp -R examples/hello-app "$work/hello-app"
git -C "$work/hello-app" -c init.defaultBranch=main init --quiet
git -C "$work/hello-app" add --all
git -C "$work/hello-app" -c user.name=Demo -c user.email=demo@example.com -c commit.gpgsign=false \
  commit --quiet --message 'Say hello'
note "repository: $work/hello-app"
destination=oci:$work/published/hello-app
if registry=$(find_registry); then
  start_registry "$registry"
  destination=docker://127.0.0.1:$(await registry 'listening on [^ ]*:\([0-9]*\)')/hello-app:1.0.0
else
  note "no registry can be had here (Debian: apt-get install skopeo docker-registry), so the image goes to a folder"
fi
note "destination: $destination"

title "docker-pipeline: five drivers, one after the other"
export SKOPEO_COPY_FLAGS=--dest-tls-verify=false
for driver in git-cloner test-runner builder image-generator image-pusher; do
  start_driver "$driver" --definition docker-resource --steps "examples/drivers/$driver.yaml" --workspace "$work/runs"
done
sed -e "s|https://git.example.com/hello-app.git|file://$work/hello-app|" \
  -e "s|docker://registry.example.com/hello-app:1.0.0|$destination|" examples/build-app-1.json | post_and_follow

title "what was published"
case $destination in
  docker://*) skopeo --insecure-policy inspect --tls-verify=false --format '{{.Name}} {{.RepoTags}} {{.Digest}}' "$destination" ;;
  *) find "${destination#oci:}" -type f ;;
esac
