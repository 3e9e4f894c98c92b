// Calls that a server has no room for, against a scripted server.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Client, retried } from "@open-ug/conveyor";
import {
  type AppendLogsRequest,
  LogServiceDefinition,
  ResourceServiceDefinition,
  RunServiceDefinition,
} from "@open-ug/conveyor/api";
import { createServer, type Metadata, ServerError, type ServiceImplementation, Status } from "nice-grpc";
import { RetryInfo } from "../src/gen/google/rpc/error_details.js";
import { Status as Details } from "../src/gen/google/rpc/status.js";
import { SOON } from "./patience.js";

const LEAST = 20;
const options = { timeout: SOON };
const one = { definition: "count", name: "one", spec: {} };

/** How the server refuses, and when it wants to be asked again, if it says so. */
interface Refusal {
  code: Status;
  comeBack?: number;
}

/** A service of which only some methods are asked for. */
function whole<Service extends object>({ methods }: { methods: object }, some: Partial<Service>): Service {
  const missing = () => {
    throw new ServerError(Status.UNIMPLEMENTED, "nobody asks for it");
  };
  const all = Object.keys(methods).map((name) => [name, missing]);
  return { ...Object.fromEntries(all), ...some };
}

/** Starts a server that refuses so many calls, and a client of it. It keeps what it is asked. */
async function crowded(t: TestContext, refuses: number, { code, comeBack }: Refusal) {
  const asked: unknown[] = [];
  const hear = (request: unknown, trailer: Metadata) => {
    asked.push(request);
    if (asked.length > refuses) {
      return;
    }
    if (comeBack !== undefined) {
      const seconds = Math.trunc(comeBack / 1_000);
      const nanos = (comeBack % 1_000) * 1_000_000;
      const value = RetryInfo.encode({ retryDelay: { seconds, nanos } }).finish();
      const details = [{ typeUrl: "type.googleapis.com/google.rpc.RetryInfo", value }];
      trailer.set("grpc-status-details-bin", Details.encode({ code, message: "", details }).finish());
    }
    throw new ServerError(code, "the disk is behind");
  };
  const server = createServer();
  const resources: Partial<ServiceImplementation<ResourceServiceDefinition>> = {
    async applyResourceDefinition(request, { trailer }) {
      hear(request, trailer);
      return request.resourceDefinition!;
    },
    async createResource(request, { trailer }) {
      hear(request, trailer);
      return { resource: request.resource, runId: "run" };
    },
    async applyResource(request, { trailer }) {
      hear(request, trailer);
      return { resource: request.resource, runId: "run" };
    },
  };
  const runs: Partial<ServiceImplementation<RunServiceDefinition>> = {
    async startRun(request, { trailer }) {
      hear(request, trailer);
      return { id: "run" };
    },
  };
  const logs: Partial<ServiceImplementation<LogServiceDefinition>> = {
    async appendLogs(requests, { trailer }) {
      const batches: AppendLogsRequest[] = [];
      for await (const batch of requests) {
        batches.push(batch);
      }
      hear(batches, trailer);
      return { count: batches.length };
    },
  };
  server.add(ResourceServiceDefinition, whole(ResourceServiceDefinition, resources));
  server.add(RunServiceDefinition, whole(RunServiceDefinition, runs));
  server.add(LogServiceDefinition, whole(LogServiceDefinition, logs));
  const port = await server.listen("127.0.0.1:0");
  const client = new Client(`http://127.0.0.1:${port}`);
  t.after(() => {
    client.close();
    server.forceShutdown();
  });
  return { asked, client };
}

const CALLS: Record<string, (client: Client) => Promise<unknown>> = {
  define: (client) => client.define("count", { type: "object" }),
  create: async (client) => assert.equal((await client.create(one)).runId, "run"),
  apply: (client) => client.apply(one),
  start(client) {
    const request = { resource: "count", name: "one", requestId: "mine" };
    return retried((options) => client.runs.startRun(request, options));
  },
  append(client) {
    async function* batch() {
      yield { entries: [{ runId: "run", message: "hello" }] };
    }
    return retried((options) => client.logs.appendLogs(batch(), options));
  },
};

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name} is asked again in the same words when there is no room`, options, async (t) => {
    const { asked, client } = await crowded(t, 3, { code: Status.RESOURCE_EXHAUSTED, comeBack: LEAST });
    const began = performance.now();
    await call(client);
    // Timers of Node.js may come a millisecond early.
    assert.ok(performance.now() - began >= 3 * (LEAST - 1));
    assert.deepEqual(asked, Array(4).fill(asked[0]));
  });
}

const REFUSALS: [string, Refusal, number][] = [
  ["again and again", { code: Status.RESOURCE_EXHAUSTED, comeBack: 1 }, 6],
  ["without a word of a new try", { code: Status.RESOURCE_EXHAUSTED }, 1],
  ["for something else", { code: Status.UNAVAILABLE }, 1],
];

for (const [how, refusal, times] of REFUSALS) {
  test(`what is refused ${how} is an error`, options, async (t) => {
    const { asked, client } = await crowded(t, 100, refusal);
    await assert.rejects(client.create(one), { code: refusal.code, details: "the disk is behind" });
    assert.equal(asked.length, times);
  });
}

test("the wait for room ends with its signal", options, async (t) => {
  const { asked, client } = await crowded(t, 100, { code: Status.RESOURCE_EXHAUSTED, comeBack: 3_600_000 });
  const created = client.create(one, { signal: AbortSignal.timeout(200) });
  await assert.rejects(created, ({ name }) => name === "AbortError" || name === "TimeoutError");
  assert.ok(asked.length <= 1);
});
