"""The rules of the protocol for the tasks of one driver instance, without I/O.

The session hands in what arrives and asks what to send next; the work of each task reports its end here. The
invariant: of each step at most one piece of work runs, whatever is offered. Times are monotonic.
"""

from __future__ import annotations

from collections import deque
from typing import Callable, NamedTuple, Optional

from google.protobuf.duration_pb2 import Duration

from conveyor.cancel import CancelReason, StopSignal
from conveyor.held import Held, StepKey
from conveyor.lease import Lease
from conveyor.limits import Limits
from conveyor.lines import Lines
from conveyor.result import Report
from conveyor.v1 import driver_service_pb2 as wire

# How many seconds a task has to stop when the server does not say.
_DEFAULT_GRACE = 10.0
# How many ended tasks are remembered, so that an old offer that comes again does not start anew.
_REMEMBERED = 1024
# How many acks may wait to be sent before nothing more is read.
_MAX_ACKS = 1024


class Start(NamedTuple):
    """A task whose work is to start."""

    offer: wire.Reconcile
    lines: Lines
    signal: StopSignal


class Ledger:
    """The tasks in hand and what is to be said of them. Its owner holds a lock around each call."""

    def __init__(self, slots: int, new_lines: Callable[[int], Lines]) -> None:
        self._slots = slots
        # Makes the room for the lines of a task, of which each may have so many bytes.
        self._new_lines = new_lines
        self._limits = Limits()
        # In the order in which they came.
        self._tasks: dict[str, Held] = {}
        # The task whose work runs, of each step. It may be fenced, and so no longer held.
        self._working: dict[StepKey, str] = {}
        # The tasks that ended or were fenced, the oldest first.
        self._ended: dict[str, None] = {}
        self._acks: deque[wire.Ack] = deque()
        self._heartbeat_due = False
        self._draining = False
        self._drain_due = False
        # Where in the order the next log batch is looked for, so that each task has its turn.
        self._turn = 0
        self.lease = Lease()

    @property
    def is_empty(self) -> bool:
        """Whether no task is in hand."""
        return not self._tasks

    @property
    def is_drained(self) -> bool:
        """Whether it drains and the server has every result."""
        return self._draining and not self._tasks

    @property
    def can_receive(self) -> bool:
        """Whether there is room for what a received message may leave behind."""
        return len(self._acks) < _MAX_ACKS

    def in_hello(self) -> list[wire.HeldTask]:
        """How Hello names the tasks in hand."""
        return [held.in_hello() for held in self._tasks.values()]

    def welcome(self, welcome: wire.Welcome, hello_at: float) -> None:
        """A new stream is open: takes the server's limits and its verdict on each task."""
        self._limits = Limits.of(welcome.limits)
        self.lease.welcomed(seconds(welcome.lease_time), hello_at)
        self._acks.clear()
        self._heartbeat_due = False
        self._drain_due = self._draining
        for held in self._tasks.values():
            held.start_stream()
        for fate in welcome.tasks:
            self._decide(fate)

    def receive(self, message: wire.DriverStreamResponse, now: float) -> None:
        """Takes one message of the stream."""
        kind = message.WhichOneof("kind")
        if kind == "reconcile":
            self._offered(message.reconcile)
        elif kind == "cancel":
            self._cancelled(message.cancel)
        elif kind == "log_ack":
            self._log_acked(message.log_ack, now)
        elif kind == "result_ack":
            self._result_acked(message.result_ack)
        elif kind == "heartbeat_ack":
            self.lease.answered()
        # A second Welcome says nothing; the others concern the session, not the tasks.

    def next_message(self, now: float) -> Optional[wire.DriverStreamRequest]:
        """The next message to send, the most urgent first. None: there is none."""
        if self._heartbeat_due:
            self._heartbeat_due = False
            self.lease.beat(now)
            return wire.DriverStreamRequest(heartbeat=self._heartbeat())
        if self._acks:
            return wire.DriverStreamRequest(ack=self._acks.popleft())
        if self._drain_due:
            self._drain_due = False
            return wire.DriverStreamRequest(drain=wire.Drain())
        order = list(self._tasks.values())
        for held in order:
            result = held.next_result(now)
            if result is not None:
                return wire.DriverStreamRequest(result=result)
        for _ in order:
            self._turn = (self._turn + 1) % len(order)
            log = order[self._turn].next_log(self._limits, now)
            if log is not None:
                return wire.DriverStreamRequest(log=log)
        return None

    def beat(self) -> None:
        """A heartbeat is due."""
        self._heartbeat_due = True

    def next_start(self) -> Optional[Start]:
        """The next task whose work can start: the old work on its step, if any, has stopped."""
        for held in self._tasks.values():
            if held.offer is not None and held.step not in self._working:
                self._working[held.step] = held.task_id
                start = Start(held.offer, held.lines, held.signal)
                held.offer = None
                return start
        return None

    def report(self, task_id: str, report: Report) -> None:
        """Says how a task ended. Its work may still be stopping."""
        held = self._tasks.get(task_id)
        if held is not None and held.result is None:
            held.finish(report.within(self._limits))

    def stopped(self, step: StepKey) -> None:
        """The work on a step has ended."""
        self._working.pop(step, None)

    def drain(self) -> None:
        """Takes no more offers."""
        if not self._draining:
            self._draining = self._drain_due = True

    def fence_all(self, grace: float) -> None:
        """Stops all work and drops what it said: the step is another's, or nobody's."""
        for held in list(self._tasks.values()):
            self._fence(held, grace)

    def _decide(self, fate: wire.TaskFate) -> None:
        held = self._find(fate.task_id, fate.token)
        if held is None:
            return
        if fate.verdict == wire.TASK_VERDICT_GO_ON:
            held.send_from(fate.next_line)
        elif fate.verdict == wire.TASK_VERDICT_DONE:
            self._forget(held)
        elif fate.verdict == wire.TASK_VERDICT_CANCEL:
            held.send_from(fate.next_line)
            self._stop(held, CancelReason.of(fate.reason), _grace(fate))
        elif fate.verdict == wire.TASK_VERDICT_STOP:
            self._fence(held, _DEFAULT_GRACE)
        # A verdict that this version does not know: the next heartbeat or ack settles it.

    def _offered(self, offer: wire.Reconcile) -> None:
        known = self._find(offer.task_id, offer.token) is not None or offer.task_id in self._ended
        refusal = "" if known else self._refusal(offer)
        self._acks.append(wire.Ack(task_id=offer.task_id, token=offer.token, refused=bool(refusal), reason=refusal))
        if not known and not refusal:
            self._accept(offer)

    def _refusal(self, offer: wire.Reconcile) -> str:
        """Why an offer is refused, if it is."""
        if self._draining:
            return "the driver is draining"
        step = StepKey.of(offer)
        # Work counts while it runs, be it fenced; and so does what waits to start.
        busy = len(self._working)
        for held in self._tasks.values():
            if held.step == step and held.token > offer.token:
                return "the driver has a newer offer of this step"
            if held.offer is not None and held.step not in self._working:
                busy += 1
        if (step not in self._working and busy >= self._slots) or len(self._tasks) >= 2 * self._slots:
            return "the driver has no free slot"
        return ""

    def _accept(self, offer: wire.Reconcile) -> None:
        step = StepKey.of(offer)
        # The new token makes every older one of the step a dead one.
        for held in list(self._tasks.values()):
            if held.step == step:
                self._fence(held, _DEFAULT_GRACE)
        self._tasks[offer.task_id] = Held(offer, self._new_lines(self._limits.line_bytes))

    def _cancelled(self, cancel: wire.Cancel) -> None:
        held = self._find(cancel.task_id, cancel.token)
        if held is not None:
            self._stop(held, CancelReason.of(cancel.reason), _grace(cancel))

    def _log_acked(self, ack: wire.LogAck, now: float) -> None:
        held = self._find(ack.task_id, ack.token)
        if held is None:
            return
        if ack.status == wire.LOG_ACK_STATUS_STORED:
            held.stored(ack.next, now)
        elif ack.status == wire.LOG_ACK_STATUS_FENCED:
            self._fence(held, _DEFAULT_GRACE)

    def _result_acked(self, ack: wire.ResultAck) -> None:
        held = self._find(ack.task_id, ack.token)
        if held is None:
            return
        if ack.outcome == wire.RESULT_OUTCOME_APPLIED:
            self._forget(held)
        elif ack.outcome == wire.RESULT_OUTCOME_LINES_MISSING:
            held.send_from(ack.next)
        elif ack.outcome == wire.RESULT_OUTCOME_FENCED:
            self._fence(held, _DEFAULT_GRACE)

    def _stop(self, held: Held, reason: CancelReason, grace: float) -> None:
        """Tells a task to stop. One that has not started never will."""
        if reason is CancelReason.FENCED:
            self._fence(held, grace)
            return
        held.signal.fire(reason, grace)
        if held.offer is not None:
            held.finish(Report(False, "cancelled before the work began"))

    def _fence(self, held: Held, grace: float) -> None:
        """The token is dead: stops the work and drops its lines and its result."""
        held.signal.fire(CancelReason.FENCED, grace)
        self._forget(held)

    def _forget(self, held: Held) -> None:
        """Holds the task no longer. Its work may still be stopping."""
        del self._tasks[held.task_id]
        held.lines.discard()
        self._ended[held.task_id] = None
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _heartbeat(self) -> wire.Heartbeat:
        tasks = self._tasks.values()
        return wire.Heartbeat(tasks=[wire.TaskToken(task_id=t.task_id, token=t.token) for t in tasks])

    def _find(self, task_id: str, token: int) -> Optional[Held]:
        held = self._tasks.get(task_id)
        return held if held is not None and held.token == token else None


def seconds(said: Duration) -> float:
    """A duration of the wire in seconds."""
    return said.seconds + said.nanos / 1e9


def _grace(said: wire.Cancel | wire.TaskFate) -> float:
    return seconds(said.grace) if said.HasField("grace") else _DEFAULT_GRACE
