// Runs drivers against a server: the work in this thread, the streams in threads of their own.

import { Worker } from "node:worker_threads";
import { status } from "@grpc/grpc-js";
import { Cancellation } from "./cancellation.js";
import { DEFAULT_SERVER, target } from "./channel.js";
import type { Driver } from "./driver.js";
import { Logger, TaskLog } from "./logger.js";
import { RingWriter } from "./ring.js";
import type { FromThread, ToThread } from "./thread/words.js";
import { carryOut } from "./work.js";

/** The server will not have a driver, and would not on another try. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";

  constructor(
    readonly driver: string,
    readonly server: string,
    /** The gRPC code. */
    readonly code: number,
    said: string,
  ) {
    super(`the server at ${server} refuses driver ${driver}: ${said} (${status[code]})`);
  }
}

export interface ManagerOptions {
  /** How many milliseconds a drain may take before the tasks that are left are given back. 0: no bound. */
  drainTimeout?: number;
  /** For what the runtime itself has to say, such as a broken stream. By default it goes to stderr. */
  log?: (text: string) => void;
}

/** What runs one driver. */
interface Running {
  end: Promise<void>;
  tell(word: ToThread): void;
}

/** Runs one or more drivers against one server until it is told to stop. */
export class Manager {
  private running: Running[] = [];
  private stopping = false;
  private aborting = false;
  readonly options: ManagerOptions;
  readonly server: string;

  /** Empty `server`: that of the variable CONVEYOR_SERVER, or else http://127.0.0.1:8080. */
  constructor(
    server: string,
    readonly drivers: Driver | Driver[],
    options: ManagerOptions = {},
  ) {
    this.server = server || process.env.CONVEYOR_SERVER || DEFAULT_SERVER;
    this.options = options;
    target(this.server);
  }

  /**
   * Works until `signal` is aborted, or `stop` called, then drains: takes no new task, ends those it has.
   * A server that is away is waited for. Throws a RefusedError when the server will not have a driver.
   */
  async run(signal?: AbortSignal): Promise<void> {
    const drivers = [this.drivers].flat();
    if (drivers.length === 0) {
      throw new TypeError("there is no driver to run");
    }
    const stop = () => this.stop();
    signal?.addEventListener("abort", stop);
    this.running = drivers.map((driver) => this.start(driver));
    if (signal?.aborted || this.stopping) {
      this.stopping = false;
      this.stop();
    }
    try {
      // One driver that cannot go on ends them all.
      const ends = this.running.map(({ end }) =>
        end.catch((error) => {
          this.stop();
          throw error;
        }),
      );
      const failed = (await Promise.allSettled(ends)).find((end) => end.status === "rejected");
      if (failed !== undefined) {
        throw failed.reason;
      }
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Works until the process gets SIGTERM or an interrupt, then drains. A second one aborts. */
  async runUntilSignal(): Promise<void> {
    const onSignal = () => (this.stopping ? this.abort() : this.stop());
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
    try {
      await this.run();
    } finally {
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
    }
  }

  /** Drains, and lets `run` return. */
  stop(): void {
    if (this.stopping) {
      return;
    }
    this.stopping = true;
    this.tell({ say: "drain" });
    if (this.options.drainTimeout) {
      const timer = setTimeout(() => this.abort(), this.options.drainTimeout);
      timer.unref();
    }
  }

  /** Cancels the tasks that are left and gives them back, and `run` returns. */
  abort(): void {
    this.stopping = true;
    if (!this.aborting) {
      this.aborting = true;
      this.tell({ say: "abort" });
    }
  }

  private tell(word: ToThread): void {
    for (const driver of this.running) {
      driver.tell(word);
    }
  }

  private say(text: string): void {
    (this.options.log ?? console.error)(text);
  }

  private start(driver: Driver): Running {
    const workerData = driver.settings(this.server);
    const worker = new Worker(new URL("./thread/worker.js", import.meta.url), { workerData });
    const tell = (word: ToThread) => worker.postMessage(word);
    const tasks = new Map<string, { log: TaskLog; cancel: AbortController }>();
    const say = (text: string) => this.say(`driver ${driver.name}: ${text}`);
    const end = new Promise<void>((resolve, reject) => {
      worker.on("error", reject);
      worker.on("exit", () => reject(new Error(`the thread of driver ${driver.name} ended`)));
      worker.on("message", async (word: FromThread) => {
        switch (word.say) {
          case "start": {
            const { offer, lineBytes, at } = word;
            const { taskId } = offer;
            const log = new TaskLog(
              new RingWriter(word.ring, () => tell({ say: "wake", taskId })),
              lineBytes,
            );
            const cancel = new AbortController();
            tasks.set(taskId, { log, cancel });
            const report = await carryOut(driver, offer, new Logger(log), cancel.signal, at);
            tasks.delete(taskId);
            tell({ say: "report", taskId, report });
            break;
          }
          case "stop": {
            const why = new Cancellation(word.reason, word.grace, new Date(word.stopBy));
            tasks.get(word.taskId)?.cancel.abort(why);
            break;
          }
          case "room":
            tasks.get(word.taskId)?.log.relieved();
            break;
          case "message":
            try {
              driver.options.onMessage?.(word.message);
            } catch (error) {
              say(`onMessage threw ${error}`);
            }
            break;
          case "log":
            say(word.text);
            break;
          case "end":
            if (word.refused) {
              reject(new RefusedError(driver.name, this.server, word.refused.code, word.refused.text));
            } else {
              resolve();
            }
            await worker.terminate();
            break;
        }
      });
    });
    return { end, tell };
  }
}
