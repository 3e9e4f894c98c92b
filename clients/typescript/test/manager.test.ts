// What managers, drivers and clients refuse at once, and say why.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, Driver, type DriverOptions, Manager } from "@open-ug/conveyor";

const reconcile = () => {};

for (const address of [
  "https://127.0.0.1:8080",
  "127.0.0.1:8080",
  "localhost:8080",
  "http://",
  "http://a:b",
]) {
  test(`${address} is no address of a server`, () => {
    const says = { name: "TypeError", message: new RegExp(`^"${address}" is not the address of a server`) };
    assert.throws(() => new Client(address), says);
    assert.throws(() => new Manager(address, new Driver({ name: "a", reconcile })), says);
  });
}

const WRONG: [string, Partial<DriverOptions<unknown, unknown>>][] = [
  ["name", { name: "" }],
  ["name", { name: "a b" }],
  ["reconcile", { reconcile: undefined as any }],
  ["slots", { slots: 1_001 }],
  ["slots", { slots: 0 }],
  ["slots", { slots: 1.5 }],
  ["lists", { definitions: "person" as any }],
  ["lists", { events: "create" as any }],
  ["text", { definitions: [1 as any] }],
  ["text", { labels: { cores: 4 as any } }],
];

for (const [what, options] of WRONG) {
  test(`a driver with ${JSON.stringify(options)} is refused for its ${what}`, () => {
    const make = () => new Driver({ name: "a", reconcile, ...options });
    assert.throws(make, { name: "TypeError", message: new RegExp(what) });
  });
}

test("a manager without a driver says so", async () => {
  await assert.rejects(new Manager("", []).run(), { message: "there is no driver to run" });
});

test("a server that is not there is an error that says so", { timeout: 60_000 }, async () => {
  const client = new Client("http://127.0.0.1:1");
  await assert.rejects(client.get("person", "ada"), /UNAVAILABLE.*127\.0\.0\.1:1/s);
  client.close();
});
