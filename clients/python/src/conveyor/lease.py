"""How long the server surely keeps this instance's tasks for it.

The server renews the lease when it reads a heartbeat, which is after the heartbeat was sent. So the
lease that is reckoned from the sending of the last answered one never ends too late.
"""

from __future__ import annotations

from collections import deque
from typing import Optional

# What a server that does not say means, in seconds.
_DEFAULT_LEASE = 30.0
# More unanswered heartbeats than a stream lives to see.
_MAX_UNANSWERED = 8


class Lease:
    """The lease as this side can know it. There is none before the first Welcome. Times are monotonic."""

    def __init__(self) -> None:
        self._time = _DEFAULT_LEASE
        self._renewed_at: Optional[float] = None
        self._unanswered: deque[float] = deque()

    def welcomed(self, said: float, hello_at: float) -> None:
        """Takes the lease time of a Welcome that answered the Hello sent at `hello_at`."""
        self._time = said if said > 0 else _DEFAULT_LEASE
        self._renewed_at = hello_at
        self._unanswered.clear()

    def beat(self, now: float) -> None:
        """A heartbeat goes out."""
        if len(self._unanswered) < _MAX_UNANSWERED:
            self._unanswered.append(now)

    def answered(self) -> None:
        """The oldest unanswered heartbeat was answered."""
        if self._unanswered:
            self._renewed_at = self._unanswered.popleft()

    def is_over(self, now: float) -> bool:
        """Whether the server may have given the tasks to others."""
        return self._renewed_at is not None and now - self._renewed_at >= self._time
