#!/bin/sh
# Usage: hello_test.sh PROGRAM. Fails if it does not print what it must.
status=0
expect() {
  if [ "$2" = "$3" ]; then
    echo "ok: $1"
  else
    echo "not ok: $1: expected '$2', got '$3'"
    status=1
  fi
}
expect "greets the world" "hello, world" "$("$1")"
expect "greets by name" "hello, Ada" "$("$1" Ada)"
exit $status
