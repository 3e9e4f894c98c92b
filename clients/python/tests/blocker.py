"""A driver whose work blocks its event loop for good."""

from __future__ import annotations

import sys
import time

import conveyor


async def block(task: conveyor.Task) -> None:
    while True:
        time.sleep(1)


if __name__ == "__main__":
    conveyor.Manager(sys.argv[1], conveyor.Driver("blocker", block, definitions=["count"])).run_until_signal()
