"""A driver of forty lines: it greets each person, line by line."""

import asyncio
from dataclasses import dataclass

import conveyor


@dataclass
class Person:
    greetings: list[str]


async def greet(task: conveyor.Task) -> conveyor.Result:
    person = task.spec(Person)
    try:
        for greeting in person.greetings:
            task.log.line("stdout", f"{greeting}, {task.resource.name}")
            await asyncio.sleep(1)
    except asyncio.CancelledError:
        return conveyor.failure(f"stopped: {task.cancellation}")
    return conveyor.success("greeted", {"greetings": len(person.greetings)})


if __name__ == "__main__":
    greeter = conveyor.Driver("greeter", greet, definitions=["person"], slots=4)
    conveyor.Manager("", greeter).run_until_signal()
