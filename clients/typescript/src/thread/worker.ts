// The thread of one driver's stream: heartbeats and log lines go on whatever the work does to its own.

import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Session } from "./session.js";
import type { ToThread } from "./words.js";

const port = parentPort!;
const session = new Session(workerData, (word) => port.postMessage(word), hearAll);
port.on("message", hear);
await session.run();
port.close();

/** What the work has said, before its event has come round. */
function hearAll(): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    hear(next.message);
  }
}

function hear(word: ToThread): void {
  switch (word.say) {
    case "wake":
      session.wake(word.taskId);
      break;
    case "report":
      session.report(word.taskId, word.report);
      break;
    case "drain":
      session.drain();
      break;
    case "abort":
      session.abort();
      break;
  }
}
