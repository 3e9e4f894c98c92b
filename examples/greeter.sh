#!/usr/bin/env bash
# A driver in the shell: greets each `person` over the raw stream. It takes one task at a time.
set -euo pipefail
server=${1:-127.0.0.1:8080}

coproc STREAM { grpcurl -plaintext -d @ "$server" conveyor.v1.DriverService/DriverStream | jq -c --unbuffered .; }
say() { jq -nc "$@" >&"${STREAM[1]}"; }

say --arg id "$(cat /proc/sys/kernel/random/uuid)" \
  '{hello: {driver: "shell-greeter", instanceId: $id, streamNumber: 1, definitions: ["person"], slots: 1}}'
held='[]'
while true; do
  # Every 10 seconds the server wants to hear that the process lives, and what it works on.
  if ! read -r -t 10 -u "${STREAM[0]}" message; then
    kill -0 "$STREAM_PID" 2>/dev/null || exit 1
    say --argjson tasks "$held" '{heartbeat: {tasks: $tasks}}'
    continue
  fi
  case $(jq -r 'keys[0]' <<<"$message") in
    reconcile)
      task=$(jq -c '.reconcile | {taskId, token}' <<<"$message")
      held="[$task]"
      say --argjson task "$task" '{ack: $task}'
      # The work. Lines are counted by the task, from 0.
      name=$(jq -r .reconcile.resource.name <<<"$message")
      lines=$(jq -c --arg name "$name" '[.reconcile.resource.specJson | fromjson | .greetings[]
        | {stream: "stdout", message: "\(.), \($name)"}]' <<<"$message")
      say --argjson task "$task" --argjson lines "$lines" '{log: ($task + {firstLine: 0, lines: $lines})}'
      say --argjson task "$task" --argjson lines "$lines" \
        '{result: ($task + {success: true, message: "greeted", lines: ($lines | length)})}'
      ;;
    resultAck) held='[]' ;;
    # What it does not know it passes over.
    *) ;;
  esac
done
