"""Waits of the tests: for a condition, with a deadline."""

from __future__ import annotations

import time
from typing import Callable

#: Bounds every wait, in seconds.
SOON = 60.0


def until(what: str, holds: Callable[[], bool]) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {SOON} s"
        time.sleep(0.002)
