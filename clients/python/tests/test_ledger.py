"""A server that forgets, repeats and breaks off, against the ledger, without a network: whatever happens, each
line arrives once and in order, and the result after the last of them.
"""

from __future__ import annotations

import random
from typing import Optional

import pytest

from conveyor.cancel import CancelReason
from conveyor.held import StepKey
from conveyor.lease import Lease
from conveyor.ledger import Ledger, Start
from conveyor.lines import Lines
from conveyor.result import Report
from conveyor.v1 import driver_service_pb2 as wire

TASK, TOKEN = "task", 7


class Server:
    """The server's side of one task."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.stored = 0
        self.applied = False
        self.answers: list[wire.DriverStreamResponse] = []

    def receive(self, message: wire.DriverStreamRequest) -> None:
        kind = message.WhichOneof("kind")
        if kind == "log":
            self._log(message.log)
        elif kind == "result":
            self._result(message.result.lines)
        else:
            assert kind == "ack"
            assert not message.ack.refused

    def _log(self, log: wire.Log) -> None:
        known = len(self.received) - log.first_line
        if known < 0:
            self._ack()
        else:
            self.received += [line.message for line in log.lines[known:]]

    def _result(self, lines: int) -> None:
        outcome = wire.RESULT_OUTCOME_LINES_MISSING
        if len(self.received) == lines:
            self.stored, self.applied = lines, True
            outcome = wire.RESULT_OUTCOME_APPLIED
        ack = wire.ResultAck(task_id=TASK, token=TOKEN, outcome=outcome, next=self.stored)
        self.answers.append(wire.DriverStreamResponse(result_ack=ack))

    def sync(self) -> None:
        """Stores what was received, and says so."""
        self.stored = len(self.received)
        self._ack()

    def _ack(self) -> None:
        ack = wire.LogAck(task_id=TASK, token=TOKEN, next=self.stored, status=wire.LOG_ACK_STATUS_STORED)
        self.answers.append(wire.DriverStreamResponse(log_ack=ack))

    def welcome(self, tasks: list[wire.HeldTask]) -> wire.Welcome:
        """Opens a new stream: what was not stored is lost."""
        self.received = self.received[: self.stored]
        self.answers = []
        # Small batches make many of them.
        welcome = wire.Welcome(limits=wire.Limits(log_batch_lines=3))
        verdict = wire.TASK_VERDICT_DONE if self.applied else wire.TASK_VERDICT_GO_ON
        for task in tasks:
            welcome.tasks.add(task_id=task.task_id, token=task.token, verdict=verdict, next_line=self.stored)
        return welcome


class World:
    """The two sides and what the task wrote."""

    def __init__(self) -> None:
        self.server, self.now = Server(), 0.0
        self.written: list[str] = []
        self.ledger = ledger(1)
        self.ledger.welcome(self.server.welcome([]), self.now)
        self.ledger.receive(offer(TASK, TOKEN, "step"), self.now)
        self.work = started(self.ledger)

    def send(self) -> None:
        message = self.ledger.next_message(self.now)
        if message is not None:
            self.server.receive(message)

    def answer(self) -> None:
        if self.server.answers:
            self.ledger.receive(self.server.answers.pop(0), self.now)

    def step(self, chance: random.Random) -> None:
        """One of the things that may happen."""
        what = chance.randrange(7)
        if what == 0:
            for _ in range(chance.randrange(20)):
                line = f"line {len(self.written)}"
                self.written.append(line)
                self.work.lines.push(wire.Log(lines=[wire.LogLine(message=line)]).SerializeToString())
        elif what in (1, 2):
            self.send()
        elif what == 3:
            self.server.sync()
        elif what == 4:
            self.answer()
        elif what == 5:
            self.server.received = self.server.received[: self.server.stored]
        else:
            self.ledger.welcome(self.server.welcome(self.ledger.in_hello()), self.now)


def ledger(slots: int) -> Ledger:
    return Ledger(slots, lambda line_bytes: Lines(line_bytes, 1 << 20, 0, lambda: None))


def offer(task: str, token: int, step: str) -> wire.DriverStreamResponse:
    reconcile = wire.Reconcile(task_id=task, token=token, run_id="run")
    reconcile.step.id = step
    return wire.DriverStreamResponse(reconcile=reconcile)


def started(of: Ledger) -> Start:
    start = of.next_start()
    assert start is not None
    return start


def ack(of: Ledger) -> Optional[bool]:
    """Whether the next message is an ack that refuses."""
    message = of.next_message(0)
    assert message is not None
    assert message.WhichOneof("kind") == "ack"
    return message.ack.refused


@pytest.mark.parametrize("seed", range(200))
def test_every_line_arrives_once_and_the_result_after_them(seed: int) -> None:
    chance, world = random.Random(seed), World()
    for _ in range(chance.randrange(200)):
        world.step(chance)
    world.ledger.report(TASK, Report(True, ""))
    world.ledger.stopped(StepKey.of(world.work.offer))
    for _ in range(20_000):
        if world.ledger.is_empty:
            break
        world.send()
        world.server.sync()
        world.answer()
        world.now += 1
    assert world.server.received == world.written
    assert world.server.applied


def test_offer_that_comes_twice_is_acked_again_and_started_once() -> None:
    of = ledger(4)
    of.receive(offer("t", 1, "a"), 0)
    of.receive(offer("t", 1, "a"), 0)
    assert [ack(of), ack(of)] == [False, False]
    started(of)
    assert of.next_start() is None


def test_offer_beyond_the_slots_is_refused() -> None:
    of = ledger(1)
    of.receive(offer("t", 1, "a"), 0)
    of.receive(offer("u", 2, "b"), 0)
    assert [ack(of), ack(of)] == [False, True]


def test_new_offer_of_a_step_waits_for_the_old_work_to_stop() -> None:
    of = ledger(1)
    of.receive(offer("old", 1, "a"), 0)
    old = started(of)
    of.receive(offer("new", 2, "a"), 0)
    assert [ack(of), ack(of)] == [False, False]
    assert old.signal.why is not None
    assert old.signal.why.reason is CancelReason.FENCED
    assert of.next_start() is None
    of.report("old", Report(True, "in vain"))
    of.stopped(StepKey.of(old.offer))
    assert started(of).offer.task_id == "new"
    # An older token than the one in hand is nothing to work on.
    of.receive(offer("older", 1, "a"), 0)
    assert ack(of)


def test_task_that_is_cancelled_while_it_waits_never_starts() -> None:
    of = ledger(1)
    of.receive(offer("old", 1, "a"), 0)
    old = started(of)
    of.receive(offer("new", 2, "a"), 0)
    cancel = wire.Cancel(task_id="new", token=2, reason=wire.CANCEL_REASON_CANCELLED)
    of.receive(wire.DriverStreamResponse(cancel=cancel), 0)
    of.stopped(StepKey.of(old.offer))
    assert of.next_start() is None
    assert [ack(of), ack(of)] == [False, False]
    message = of.next_message(0)
    assert message is not None
    assert message.result.task_id == "new"
    assert not message.result.success


def test_lease_is_reckoned_from_the_last_answered_heartbeat() -> None:
    lease = Lease()
    assert not lease.is_over(0), "there is none before the first Welcome"
    lease.welcomed(3, 100)
    lease.beat(101)
    lease.beat(102)
    lease.answered()
    assert not lease.is_over(103.9)
    assert lease.is_over(104)
