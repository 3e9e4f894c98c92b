// A driver of forty lines: it greets each person, line by line.

import { setTimeout } from "node:timers/promises";
import { Driver, Manager, success } from "@open-ug/conveyor";

interface Person {
  greetings: string[];
}

const greeter = new Driver<Person>({
  name: "greeter",
  definitions: ["person"],
  slots: 4,
  async reconcile({ spec, resource, log, signal }) {
    for (const greeting of spec.greetings) {
      await log.line("stdout", `${greeting}, ${resource.name}`);
      await setTimeout(1000, undefined, { signal });
    }
    return success("greeted", { greetings: spec.greetings.length });
  },
});

await new Manager("", greeter).runUntilSignal();
