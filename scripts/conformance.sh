#!/usr/bin/env bash
# Runs the conformance suite against every runtime whose toolchain is there.
#
# Usage: scripts/conformance.sh [language ...]
# CONFORMANCE names the suite, CONTENDER_RUST the contender in Rust; CONFORMANCE_OPTIONS goes to the suite.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

failed=0
for language in $(scripts/contender.sh --list); do
  [ $# -eq 0 ] || [[ " $* " == *" $language "* ]] || continue
  status=0
  scripts/contender.sh "$language" "$work" >"$work/command" || status=$?
  case $status in
    0)
      mapfile -t command <"$work/command"
      # shellcheck disable=SC2086  # Several options may be given.
      "$CONFORMANCE" --runtime "$language" ${CONFORMANCE_OPTIONS:-} -- "${command[@]}" || failed=1
      ;;
    # Left out for want of its toolchain, which it has said.
    3) ;;
    *) failed=1 ;;
  esac
done
exit "$failed"
