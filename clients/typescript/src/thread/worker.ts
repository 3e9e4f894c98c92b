// The thread of one driver's stream: heartbeats and log lines go on whatever the work does to its own.

import { parentPort, workerData } from "node:worker_threads";
import { Session } from "./session.js";
import type { ToThread } from "./words.js";

const port = parentPort!;
const session = new Session(workerData, (word) => port.postMessage(word));
port.on("message", (word: ToThread) => {
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
});
await session.run();
port.close();
