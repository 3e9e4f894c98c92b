"""One driver instance: keeps a stream open, and the work going while there is none.

It runs in threads of its own, so that work that blocks its event loop holds up neither heartbeats nor lines.
One lock guards the ledger; who waits for anything waits on its condition.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Callable, Optional

import grpc

from conveyor.backoff import Backoff
from conveyor.connection import MESSAGE_BYTES
from conveyor.driver import Driver
from conveyor.errors import ADVICE, RefusedError
from conveyor.held import StepKey
from conveyor.ledger import Ledger, Start
from conveyor.lines import Lines
from conveyor.result import Report
from conveyor.stream import Drained, Stream, StreamEnd
from conveyor.v1 import driver_service_pb2 as wire
from conveyor.version import VERSION
from conveyor.work import Home, Work

# How many seconds work has to stop when the driver is told to end at once.
_ABORT_GRACE = 2.0
# How many seconds work of a replaced instance, or at the end of a lease, has to stop.
_STOP_GRACE = 10.0
# How often the end of the lease is looked for, in seconds.
_LEASE_TICK = 0.25
# How many broadcast messages may wait for an event loop that is blocked.
_MAX_MESSAGES = 256


class Session:
    """One instance of a driver."""

    def __init__(self, driver: Driver, server: str, home: Home) -> None:
        self.driver = driver
        self.server = server
        self.log = logging.getLogger(f"conveyor.{driver.name}")
        self.changed = threading.Condition()
        memory, spill = driver.log_room
        self.ledger = Ledger(driver.slots, lambda line_bytes: Lines(line_bytes, memory, spill, self._lines_changed))
        self._home = home
        self._works: dict[str, Work] = {}
        # When it was told to end at once.
        self._aborted_at: Optional[float] = None
        self._ended = False
        # Whether the writer has looked and found nothing to send.
        self._idle = False
        self._messages = 0

    def run(self) -> None:
        """Serves until drained, aborted, or refused by the server."""
        watch = threading.Thread(target=self._watch, name="conveyor-watch", daemon=True)
        watch.start()
        try:
            self._serve()
        finally:
            self._settle()
            with self.changed:
                self._ended = True
                self.changed.notify_all()
            watch.join()

    def drain(self) -> None:
        """Takes no more tasks, and ends when those in hand have."""
        self._do(Ledger.drain)

    def abort(self) -> None:
        """Cancels the tasks that are left and gives them back."""
        with self.changed:
            self._aborted_at = time.monotonic()
            self._do(Ledger.drain, lambda ledger: ledger.fence_all(_ABORT_GRACE))

    # What the stream says to the ledger, and asks of it.

    def beat(self) -> None:
        """A heartbeat is due."""
        self._do(Ledger.beat)

    def receive(self, stream: Stream, message: wire.DriverStreamResponse) -> None:
        """Takes a message. What arrives on a stream that was left is dropped."""
        with self.changed:
            if not stream.closed:
                self._do(lambda ledger: ledger.receive(message, time.monotonic()))

    def next_message(self, stream: Stream) -> Optional[wire.DriverStreamRequest]:
        """Waits for the next message to send. None: there is none any more."""
        with self.changed:
            while not stream.closed:
                if stream.greeted:
                    # Said before it looks, so that no line comes unseen.
                    self._idle = True
                    full = not self.ledger.can_receive
                    message = self.ledger.next_message(time.monotonic())
                    if message is not None:
                        self._idle = False
                        if full:
                            self.changed.notify_all()
                        return message
                    if self.ledger.is_drained:
                        stream.closing = True
                        self.changed.notify_all()
                        return None
                self.changed.wait()
            return None

    def tell(self, message: wire.Message) -> None:
        """Hands a broadcast message to the user's function, on the event loop."""
        do = self.driver.on_message
        if do is None:
            return
        with self.changed:
            if self._messages >= _MAX_MESSAGES:
                self.log.warning("drops a message to all drivers: the event loop is blocked")
                return
            self._messages += 1

        def call() -> None:
            with self.changed:
                self._messages -= 1
            try:
                do(message)
            except Exception:
                self.log.exception("on_message failed")

        self._home.call(call)

    def _lines_changed(self) -> None:
        """There are lines to send. Called for each line, so it takes the lock only where somebody waits."""
        if self._idle:
            with self.changed:
                self._idle = False
                self.changed.notify_all()

    def _do(self, *all_of: Callable[[Ledger], None]) -> None:
        """Does things with the ledger, and starts what can start then."""
        with self.changed:
            for do in all_of:
                do(self.ledger)
            while (start := self.ledger.next_start()) is not None:
                self._begin(start)
            self.changed.notify_all()

    def _begin(self, start: Start) -> None:
        task_id, step = start.offer.task_id, StepKey.of(start.offer)

        def ended(report: Report) -> None:
            with self.changed:
                self._works.pop(task_id, None)
                self._do(lambda ledger: ledger.report(task_id, report), lambda ledger: ledger.stopped(step))

        work = self._works[task_id] = Work(self.driver, start, self._home, ended)
        work.begin()

    def _serve(self) -> None:
        """Opens one stream after the other."""
        instance, number, wait = str(uuid.uuid4()), 0, Backoff()
        while True:
            number += 1
            try:
                self._converse(instance, number, wait)
            except Drained:
                return
            except grpc.RpcError as error:
                code, said = _status(error)
                if code in ADVICE:
                    raise RefusedError(self.driver.name, self.server, code, said) from None
                why = f"the stream ended: {said} ({code.name})"
                if code is grpc.StatusCode.ABORTED:
                    why = "another stream has taken this instance's place, so its tasks stop"
                    self._do(lambda ledger: ledger.fence_all(_STOP_GRACE))
                    instance = str(uuid.uuid4())
            except StreamEnd as end:
                why = str(end)
            delay = wait.next()
            self.log.warning("%s; trying again in %.0f ms", why, delay * 1000)
            with self.changed:
                if self.changed.wait_for(lambda: self.ledger.is_drained, delay):
                    return

    def _converse(self, instance: str, number: int, wait: Backoff) -> None:
        """Serves one stream, from its Hello to its end, which is an exception."""
        hello_at = time.monotonic()
        stream = Stream(self)
        try:
            welcome = stream.open(self._hello(instance, number))
            self.log.info("connected to %s", self.server)

            def greet(ledger: Ledger) -> None:
                ledger.welcome(welcome, hello_at)
                stream.greeted = True

            self._do(greet)
            stream.converse()
        finally:
            # A stream that ends at once counts as one more failure.
            if time.monotonic() - hello_at >= stream.period and stream.greeted:
                wait.reset()
            stream.close()

    def _hello(self, instance: str, number: int) -> wire.Hello:
        with self.changed:
            tasks = self.ledger.in_hello()
        driver = self.driver
        return wire.Hello(
            driver=driver.name,
            instance_id=instance,
            stream_number=number,
            definitions=driver.definitions,
            events=driver.events or ["*"],
            labels=driver.labels,
            slots=driver.slots,
            max_message_bytes=MESSAGE_BYTES,
            sdk_name="conveyor-python",
            sdk_version=VERSION,
            tasks=tasks,
        )

    def _watch(self) -> None:
        """Ends what outstays its grace, and stops work at the lease's end where that is wanted."""
        with self.changed:
            while not self._ended:
                now = time.monotonic()
                if self.driver.stop_at_lease_end and not self.ledger.is_empty and self.ledger.lease.is_over(now):
                    self._do(lambda ledger: ledger.fence_all(_STOP_GRACE))
                due = now + _LEASE_TICK if self.driver.stop_at_lease_end else float("inf")
                for task_id, work in list(self._works.items()):
                    why = work.signal.why
                    if why is None or work.is_late:
                        continue
                    if now < why.stop_by:
                        due = min(due, why.stop_by)
                        continue
                    work.is_late = True
                    self.ledger.report(task_id, Report(False, f"{why}; the work did not stop within {why.grace:g} s"))
                    self.changed.notify_all()
                self.changed.wait(None if due == float("inf") else max(due - now, 0))

    def _settle(self) -> None:
        """Lets work that nobody waits for any more stop within its grace."""
        self._do(Ledger.drain, lambda ledger: ledger.fence_all(_STOP_GRACE))
        with self.changed:
            began = time.monotonic()
            while self._works:
                since = began if self._aborted_at is None else max(began, self._aborted_at)
                patience = _ABORT_GRACE if self._aborted_at is not None else _STOP_GRACE + _ABORT_GRACE
                left = since + patience - time.monotonic()
                if left <= 0:
                    self.log.warning("leaves work that does not stop")
                    return
                # Every change of these is told; the loop looks again.
                self.changed.wait(left)


def _status(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    """What a call ended with."""
    if isinstance(error, grpc.Call):
        return error.code(), error.details() or ""
    return grpc.StatusCode.UNKNOWN, str(error)
