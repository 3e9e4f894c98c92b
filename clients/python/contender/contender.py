"""The Python runtime's driver in the conformance suite: it does what the spec of each resource says.

clients/conformance/README.md is the contract.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

import conveyor


@dataclass
class Op:
    """One thing to do."""

    op: str
    text: str = ""
    count: int = 1
    size: int = 0
    stream: str = "stdout"
    level: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    ms: int = 0
    success: bool = True
    data: Any = None
    data_size: Optional[int] = None


@dataclass
class Spec:
    """All that is to be done."""

    do: list[Op]


async def reconcile(task: conveyor.Task) -> conveyor.Result:
    """Does what the spec says."""
    for op in task.spec(Spec).do:
        if op.op == "result":
            return result(op)
        await OPS[op.op](task, op)
    return conveyor.success()


def result(op: Op) -> conveyor.Result:
    """The result that an op asks for."""
    data = op.data if op.data_size is None else "x" * op.data_size
    return conveyor.Result(op.success, op.text.ljust(op.size, "x"), data)


async def print_(task: conveyor.Task, op: Op) -> None:
    say(f"{task.id} {op.text}")


async def log(task: conveyor.Task, op: Op) -> None:
    logger = task.log.with_labels(**op.labels)
    write: Callable[[str], None] = getattr(logger, op.level) if op.level else lambda text: logger.line(op.stream, text)
    for number in range(op.count):
        write(op.text.replace("{n}", str(number)).ljust(op.size, "x"))


async def pipe(task: conveyor.Task, op: Op) -> None:
    await task.log.run(*op.command)


async def echo(task: conveyor.Task, op: Op) -> None:
    results = [
        {"step": r.step, "driver": r.driver, "success": r.success, "message": r.message, "data": r.data()}
        for r in task.results
    ]
    said = {
        "task_id": task.id,
        "run_id": task.run_id,
        "attempt": task.attempt,
        "event": task.event,
        "cause": task.cause,
        "definition": task.resource.definition,
        "resource": task.resource.name,
        "revision": task.resource.revision,
        "metadata": task.resource.metadata,
        "spec": task.resource.spec_json,
        "step": task.step.id,
        "params": task.params(),
        "pipeline": task.pipeline.name if task.pipeline else None,
        "results": results,
        "ms_left": None if task.deadline is None else int((task.deadline - time.monotonic()) * 1000),
        "traceparent": task.traceparent,
        "tracestate": task.tracestate,
    }
    task.log.line("echo", json.dumps(said))


async def sleep(task: conveyor.Task, op: Op) -> None:
    await until_cancelled(task, op.ms / 1000)


async def await_cancel(task: conveyor.Task, op: Op) -> None:
    await until_cancelled(task, None)
    assert task.cancellation is not None
    say(f"{task.id} cancelled {task.cancellation.reason.name}")


async def until_cancelled(task: conveyor.Task, timeout: Optional[float]) -> None:
    """Waits, and goes on after the cancel, which comes once."""
    if task.cancellation is not None:
        return
    try:
        await asyncio.wait_for(asyncio.Event().wait(), timeout)
    except asyncio.TimeoutError:
        pass
    except asyncio.CancelledError:
        if task.cancellation is None:
            raise


async def linger(task: conveyor.Task, op: Op) -> None:
    end = time.monotonic() + op.ms / 1000
    while (left := end - time.monotonic()) > 0:
        try:
            await asyncio.sleep(left)
        except asyncio.CancelledError:
            continue


async def block(task: conveyor.Task, op: Op) -> None:
    time.sleep(op.ms / 1000)  # noqa: ASYNC251  That is what it is for.


async def throw(task: conveyor.Task, op: Op) -> None:
    raise RuntimeError(op.text)


OPS = {
    "print": print_,
    "log": log,
    "pipe": pipe,
    "echo": echo,
    "sleep": sleep,
    "await-cancel": await_cancel,
    "linger": linger,
    "block": block,
    "throw": throw,
    "error": throw,
}


def say(line: str) -> None:
    """Writes a whole line for the suite."""
    print(line, flush=True)


def setting(name: str) -> str:
    """What the suite says of the driver."""
    return os.environ.get(f"CONTENDER_{name}", "")


def words(name: str) -> list[str]:
    """The same as a list."""
    return setting(name).split(",") if setting(name) else []


def number(name: str) -> Optional[int]:
    """The same as a number."""
    return int(setting(name)) if setting(name) else None


def main() -> None:
    """Runs the driver until SIGTERM."""
    logging.basicConfig(level=logging.INFO)
    driver = conveyor.Driver(
        setting("DRIVER"),
        reconcile,
        definitions=words("DEFINITIONS"),
        events=words("EVENTS"),
        slots=number("SLOTS") or 1,
        labels=dict(label.split("=", 1) for label in words("LABELS")),
        on_message=lambda message: say(f"message {message.event} {message.payload}"),
        stop_at_lease_end=setting("STOP_AT_LEASE_END") == "true",
        log_memory=number("LOG_MEMORY"),
        log_spill=number("LOG_SPILL"),
    )
    conveyor.Manager(setting("SERVER"), driver).run_until_signal()


if __name__ == "__main__":
    main()
