"""One accepted task: what of its log and its result the server has, and what is to be sent next.

Lines travel in batches, of which a few may be unanswered; the window makes a chatty task coalesce its lines
while it waits. The result follows the last line.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Optional

from conveyor.cancel import StopSignal
from conveyor.limits import Limits
from conveyor.lines import Lines
from conveyor.result import Report
from conveyor.v1 import driver_service_pb2 as wire

# How many batches of a task may be unanswered.
_WINDOW = 4
# After so many seconds without an answer, lines or a result are sent again on the same stream.
_RESEND_AFTER = 30.0


class StepKey(NamedTuple):
    """Names a step across its offers."""

    run_id: str
    step_id: str

    @staticmethod
    def of(offer: wire.Reconcile) -> StepKey:
        """The step of an offer."""
        return StepKey(offer.run_id, offer.step.id)


class _Sending:
    """What was sent on the present stream."""

    def __init__(self, start: int) -> None:
        # The number of the next line to send.
        self.next = start
        # Where each unanswered batch ends.
        self.batches: deque[int] = deque()
        # When lines were last sent or acked.
        self.moved_at = 0.0
        # The last number for which lines were sent again: a server repeats it for each batch in flight.
        self.repeated: Optional[int] = None
        # When the result was sent.
        self.result_at: Optional[float] = None


class Held:
    """A task that was accepted and whose result is not yet known to be on the server's disk."""

    def __init__(self, offer: wire.Reconcile, lines: Lines) -> None:
        self.task_id = offer.task_id
        self.token = offer.token
        self.step = StepKey.of(offer)
        self.lines = lines
        self.signal = StopSignal()
        # What to start with, until the work has started.
        self.offer: Optional[wire.Reconcile] = offer
        self.result: Optional[wire.Result] = None
        self._sending = _Sending(0)

    def in_hello(self) -> wire.HeldTask:
        """How Hello names it."""
        return wire.HeldTask(
            task_id=self.task_id,
            token=self.token,
            next_line=self.lines.next,
            result_waits=self.result is not None,
        )

    def start_stream(self) -> None:
        """A new stream begins: on it nothing was sent yet."""
        self._sending = _Sending(self.lines.oldest)

    def finish(self, report: Report) -> None:
        """The work has ended: no more lines, and a result to send."""
        self.offer = None
        self.result = wire.Result(
            task_id=self.task_id,
            token=self.token,
            success=report.success,
            message=report.message,
            data_json=report.data,
            lines=self.lines.seal(),
        )

    def stored(self, next_line: int, now: float) -> None:
        """Takes a LogAck: all lines before `next_line` are on disk. One that says nothing new while lines are
        under way means that the server dropped a batch, so they are sent again from there, once."""
        news = next_line > self.lines.oldest
        self.lines.free(next_line)
        sending = self._sending
        while sending.batches and sending.batches[0] <= next_line:
            sending.batches.popleft()
        if news:
            sending.next = max(sending.next, next_line)
            sending.moved_at, sending.repeated = now, None
        elif sending.batches and sending.repeated != next_line:
            self.send_from(next_line)
            self._sending.repeated = next_line

    def send_from(self, next_line: int) -> None:
        """The server wants the lines from `next_line` on, and then the result."""
        self.lines.free(next_line)
        self.start_stream()

    def next_log(self, limits: Limits, now: float) -> Optional[wire.Log]:
        """The next batch of lines, when there are any and the window is open."""
        if self._sending.batches and _overdue(self._sending.moved_at, now):
            self.start_stream()
        sending = self._sending
        if len(sending.batches) >= _WINDOW:
            return None
        log = self.lines.batch(sending.next, limits)
        if log is None:
            return None
        log.task_id, log.token = self.task_id, self.token
        sending.next += len(log.lines)
        sending.batches.append(sending.next)
        sending.moved_at = now
        return log

    def next_result(self, now: float) -> Optional[wire.Result]:
        """The result, when all lines were sent and it was not, or was long ago."""
        sending = self._sending
        if self.result is None or sending.next < self.result.lines:
            return None
        if sending.result_at is not None and not _overdue(sending.result_at, now):
            return None
        sending.result_at = now
        return self.result


def _overdue(since: float, now: float) -> bool:
    return now - since >= _RESEND_AFTER
