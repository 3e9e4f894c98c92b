"""How long to wait before the next try: twice as long each time, half of it by chance."""

from __future__ import annotations

import random

# The shortest and the longest wait, in seconds.
SHORTEST, LONGEST = 0.1, 10.0


class Backoff:
    """The waits between tries."""

    def __init__(self) -> None:
        self._wait = SHORTEST

    def reset(self) -> None:
        """The last try went well."""
        self._wait = SHORTEST

    def next(self) -> float:
        """The next wait, in seconds."""
        wait, self._wait = self._wait, min(self._wait * 2, LONGEST)
        if wait == SHORTEST:
            return random.uniform(wait, 2 * wait)
        return random.uniform(wait / 2, wait)
