// A real server process for the tests, with a store of its own; and programs beside it.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "./patience.js";

/** Why tests that need a server are left out; false where they are not. In CI there is a server. */
export const noServer =
  !process.env.CONVEYOR_BIN && !process.env.CI && "CONVEYOR_BIN does not name the server: make test does";

/** A running server. */
export class Server {
  url = "";
  private listen = "127.0.0.1:0";
  private process: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    private readonly home: string,
    private readonly settings: Record<string, string>,
  ) {}

  /** Starts a server until the end of the test, with settings like DRIVER_LEASE_TIME: "2s". */
  static async start(t: TestContext, settings: Record<string, string> = {}): Promise<Server> {
    const program = process.env.CONVEYOR_BIN;
    assert.ok(program, "CONVEYOR_BIN does not name the server");
    const home = mkdtempSync(join(tmpdir(), "conveyor-test-"));
    const server = new Server(program, home, settings);
    t.after(async () => {
      await server.kill();
      rmSync(home, { recursive: true });
    });
    await server.start();
    return server;
  }

  /** Starts it again, on the port that it had. A client's outgoing connection may hold that for a moment. */
  async start(): Promise<void> {
    await until("the server starts", () => this.launch());
  }

  /** Ends the process with no warning. */
  async kill(): Promise<void> {
    if (this.process !== undefined) {
      await killed(this.process);
    }
  }

  /** Sends JSON and gives the answer. */
  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 201, await answer.clone().text());
    return (await answer.json()) as Answer;
  }

  /** What it said beside its standard output. */
  get stderr(): string {
    return readFileSync(join(this.home, "stderr"), "utf8");
  }

  private async launch(): Promise<boolean> {
    const env: Record<string, string> = { HOME: this.home };
    for (const [key, value] of Object.entries(this.settings)) {
      env[`CONVEYOR_${key}`] = value;
    }
    const args = ["up", "--listen", this.listen, "--data", join(this.home, "data")];
    const child = spawn(this.program, args, { env, cwd: this.home, stdio: ["ignore", "pipe", "pipe"] });
    this.process = child;
    child.stderr.on("data", (bytes) => appendFileSync(join(this.home, "stderr"), bytes));
    for await (const line of createInterface(child.stdout)) {
      assert.match(line, /^listening on http/);
      this.url = line.split(" ")[2]!;
      this.listen = this.url.replace("http://", "");
      child.stdout.resume();
      return true;
    }
    await killed(child);
    return false;
  }
}

/** Starts a program of this package, built from `path`, until the end of the test. */
export function program(t: TestContext, path: string, args: string[] = [], env = {}): ChildProcess {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  t.after(() => killed(child));
  return child;
}

/** Ends a process with no warning, and waits until it is gone. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}
