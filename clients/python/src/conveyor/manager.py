"""Runs drivers against a server."""

from __future__ import annotations

import asyncio
import queue
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Optional

from conveyor import connection
from conveyor.driver import Driver
from conveyor.session import Session
from conveyor.work import Home


class Manager:
    """Runs one or more drivers against one server until it is told to stop."""

    def __init__(self, server: str, *drivers: Driver, drain_timeout: Optional[float] = None) -> None:
        #: Its address. Empty: that of the variable CONVEYOR_SERVER, or else http://127.0.0.1:8080.
        self.server = server
        self.drivers = drivers
        #: How many seconds a drain may take before the tasks that are left are given back. None: no bound.
        self.drain_timeout = drain_timeout
        self._lock = threading.Lock()
        self._sessions: list[Session] = []
        self._stopped = False
        self._aborted = False
        self._timer: Optional[threading.Timer] = None

    def run_until_signal(self) -> None:
        """Works until the process gets SIGTERM or an interrupt, then drains. A second one gives the tasks back,
        a third ends the process. Call it in the main thread. It raises what `run` does."""
        with self._signals():
            asyncio.run(self._run_and_wake())

    async def _run_and_wake(self) -> None:
        """Runs, and lets each signal wake the event loop. Python carries out a handler between two steps of the main
        thread, and a loop that was just about to wait, or whose signal went to another thread, would take none."""
        loop = asyncio.get_running_loop()
        wakes, signalled = socket.socketpair()
        with wakes, signalled:
            wakes.setblocking(False)
            signalled.setblocking(False)
            loop.add_reader(wakes, wakes.recv, 64)
            before = signal.set_wakeup_fd(signalled.fileno(), warn_on_full_buffer=False)
            try:
                await self.run()
            finally:
                signal.set_wakeup_fd(before)
                loop.remove_reader(wakes)

    async def run(self) -> None:
        """Works until `stop` is called, then drains: takes no new task, ends those it has, and returns. A server
        that is away is waited for. Raises RefusedError when the server will not have one of the drivers; the
        others are drained. When it is cancelled the tasks are given back, as by `abort`.

        The reconcile functions run on this event loop, what speaks with the server in threads of its own.
        """
        if not self.drivers:
            raise ValueError("there is no driver to run")
        for driver in self.drivers:
            driver.validate()
        server = connection.server_or_default(self.server)
        connection.target(server)
        home = Home()
        sessions = [Session(driver, server, home) for driver in self.drivers]
        with self._lock:
            self._sessions = sessions
            stopped, aborted = self._stopped, self._aborted
        if aborted:
            self.abort()
        elif stopped:
            self.stop()
        try:
            await self._all([_in_thread(session) for session in sessions])
        finally:
            with self._lock:
                self._sessions = []
                if self._timer is not None:
                    self._timer.cancel()

    def stop(self) -> None:
        """Drains, and lets `run` return. Any thread may call it. It is for good."""
        with self._lock:
            self._stopped = True
            sessions = self._sessions
            if sessions and self._timer is None and self.drain_timeout is not None:
                self._timer = threading.Timer(self.drain_timeout, self.abort)
                self._timer.daemon = True
                self._timer.start()
        for session in sessions:
            session.drain()

    def abort(self) -> None:
        """Cancels the tasks that are left and gives them back, and `run` returns. It is for good."""
        with self._lock:
            self._stopped = self._aborted = True
            sessions = self._sessions
        for session in sessions:
            session.abort()

    async def _all(self, ends: list[Future[None]]) -> None:
        """Waits for the end of all sessions. One that cannot go on ends them all."""
        waiting = [asyncio.ensure_future(asyncio.wrap_future(end)) for end in ends]
        first: Optional[BaseException] = None
        try:
            for end in asyncio.as_completed([asyncio.shield(one) for one in waiting]):
                try:
                    await end
                except Exception as error:
                    first = first or error
                    self.stop()
        except asyncio.CancelledError:
            self.abort()
            await asyncio.wait(waiting)
            raise
        if first is not None:
            raise first

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Takes the signals meanwhile. A handler may come in the middle of anything in the main thread, so that
        all it does is to tell another thread, which does what is to be done while the loop is blocked, too."""
        told: queue.SimpleQueue[bool] = queue.SimpleQueue()
        numbers = (signal.SIGTERM, signal.SIGINT)

        def act() -> None:
            for do in (self.stop, self.abort):
                if not told.get():
                    return
                do()

        count = 0

        def handle(number: int, _frame: object) -> None:
            nonlocal count
            count += 1
            if count == 2:
                for each in numbers:
                    signal.signal(each, signal.SIG_DFL)
            told.put(True)

        before = {number: signal.signal(number, handle) for number in numbers}
        thread = threading.Thread(target=act, name="conveyor-signals", daemon=True)
        thread.start()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            told.put(False)
            thread.join()


def _in_thread(session: Session) -> Future[None]:
    end: Future[None] = Future()

    def run() -> None:
        try:
            session.run()
        except BaseException as error:
            end.set_exception(error)
        else:
            end.set_result(None)

    threading.Thread(target=run, name=f"conveyor-{session.driver.name}", daemon=True).start()
    return end
