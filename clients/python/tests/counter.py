"""A driver that logs as many numbered lines as its spec says, a few at a time; also a program, for tests that
kill it.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

import conveyor


@dataclass
class Count:
    lines: int


def counter(pause: float, *, ends: bool = True) -> conveyor.Driver:
    async def reconcile(task: conveyor.Task) -> conveyor.Result:
        for number in range(task.spec(Count).lines):
            task.log.line("stdout", f"line {number}")
            if number % 100 == 0:
                await asyncio.sleep(pause)
        if not ends:
            await asyncio.Event().wait()
        return conveyor.success("counted")

    # So little memory that lines go to the file while the server is away.
    return conveyor.Driver("counter", reconcile, definitions=["count"], slots=4, log_memory=64 << 10)


if __name__ == "__main__":
    # Killed in the middle of its work, however late.
    conveyor.Manager(sys.argv[1], counter(0.005, ends=False)).run_until_signal()
