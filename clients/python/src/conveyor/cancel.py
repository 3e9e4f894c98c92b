"""How a task learns that it is to stop, and why."""

from __future__ import annotations

import enum
import threading
import time
from dataclasses import dataclass
from typing import Callable, Optional

from conveyor.v1 import driver_service_pb2 as wire


class CancelReason(enum.Enum):
    """Why a task is to stop."""

    #: The run was cancelled. A result within the grace is kept.
    CANCELLED = "the run was cancelled"
    #: The step's time is over. A result within the grace is kept.
    DEADLINE = "the step's time is over"
    #: Nothing that the task still says is kept.
    FENCED = "another instance has the step, or nobody needs it"

    @staticmethod
    def of(said: int) -> CancelReason:
        """The reason of a cancel. One that this version does not know is an order to stop."""
        if said == wire.CANCEL_REASON_DEADLINE:
            return CancelReason.DEADLINE
        if said == wire.CANCEL_REASON_FENCED:
            return CancelReason.FENCED
        return CancelReason.CANCELLED


@dataclass(frozen=True)
class Cancellation:
    """Why a task is to stop, and by when."""

    reason: CancelReason
    #: How many seconds the task had from the moment of the cancel.
    grace: float
    #: When the grace is over, by `time.monotonic()`. The runtime then reports the task as failed.
    stop_by: float

    def __str__(self) -> str:
        return self.reason.value

    @property
    def time_left(self) -> float:
        """How many seconds of the grace are left."""
        return max(0.0, self.stop_by - time.monotonic())


class StopSignal:
    """Tells one task that it is to stop. Any thread may fire it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._why: Optional[Cancellation] = None
        self._do: Optional[Callable[[], object]] = None

    @property
    def why(self) -> Optional[Cancellation]:
        """Why the task is to stop; None: it is not."""
        return self._why

    def on_fire(self, do: Callable[[], object]) -> None:
        """Calls `do` when the task is to stop; at once if it already is. It must return at once."""
        with self._changed:
            self._do = do
            fired = self._why is not None
        if fired:
            do()

    def wait(self, timeout: Optional[float]) -> Optional[Cancellation]:
        """Waits for the signal, for so many seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._why is not None, timeout)
            return self._why

    def fire(self, reason: CancelReason, grace: float) -> None:
        """Cancels the task. A later cancel changes the reason only when it is FENCED, which outranks the
        others, and never gives more time."""
        why = Cancellation(reason, grace, time.monotonic() + grace)
        with self._changed:
            first = self._why
            if first is not None:
                if reason is CancelReason.FENCED:
                    if first.stop_by < why.stop_by:
                        why = Cancellation(reason, first.grace, first.stop_by)
                    self._why = why
                return
            self._why = why
            self._changed.notify_all()
            do = self._do
        if do is not None:
            do()
