"""Carries out one task: the reconcile function on the user's event loop, or in a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import traceback
from typing import Callable, Optional

from conveyor.cancel import StopSignal
from conveyor.driver import Driver
from conveyor.ledger import Start
from conveyor.logger import Logger, TaskLog
from conveyor.result import Report, Result, success
from conveyor.task import Task


class Home:
    """Where the user's code runs: an event loop, and what its context variables are there."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()

    def call(self, do: Callable[[], object]) -> bool:
        """Calls `do` on the loop, from any thread. False: the loop is closed."""
        try:
            self.loop.call_soon_threadsafe(do, context=self._context)
        except RuntimeError:
            return False
        return True


class Work:
    """The work of one task. Nobody can end what does not heed its cancel: it is reported as failed by the
    session when its grace is over, and keeps its slot until it returns."""

    def __init__(self, driver: Driver, start: Start, home: Home, ended: Callable[[Report], None]) -> None:
        self.signal: StopSignal = start.signal
        # Whether it was reported as failed since its grace is over.
        self.is_late = False
        self._reconcile = driver.reconcile
        self._home = home
        self._ended = ended
        self._log = TaskLog(start.lines)
        self._task = Task.of(driver.name, start.offer, Logger(self._log, {}), start.signal)
        self._running: Optional[asyncio.Task[None]] = None
        # Whether it is in a thread, which cannot be cancelled and asks by itself.
        self._in_thread = False
        # Whether it was cancelled: once, since a second time would end what it does to clean up.
        self._cancelled = False

    def begin(self) -> None:
        """Starts the work, from any thread."""
        if not self._home.call(self._begin):
            self._ended(Report(False, "the driver's event loop is closed"))

    def _begin(self) -> None:
        if self.signal.why is not None:
            self._ended(Report(False, "cancelled before the work began"))
            return
        self._running = asyncio.ensure_future(self._carry_out())
        self.signal.on_fire(lambda: self._home.call(self._cancel))

    def _cancel(self) -> None:
        if self._running is not None and not self._in_thread and not self._cancelled:
            self._cancelled = True
            self._running.cancel(str(self.signal.why))

    async def _carry_out(self) -> None:
        report = await self._report()
        self._log.flush()
        self._ended(report)

    async def _report(self) -> Report:
        """What the work says. An exception is a failure with its trace in the log, whatever it is: it must not
        take the driver down."""
        try:
            # The form of data and of an exception is the user's code too.
            return Report.of(await self._result() or success())
        except asyncio.CancelledError as error:
            if self.signal.why is not None:
                return Report(False, str(self.signal.why))
            return self._failed(error)
        except GeneratorExit:
            # The loop is gone, and the work with it.
            raise
        except BaseException as error:
            return self._failed(error)

    def _failed(self, error: BaseException) -> Report:
        try:
            self._task.log.error("".join(traceback.format_exception(type(error), error, error.__traceback__)))
            cause = "".join(traceback.format_exception_only(type(error), error)).strip()
        except BaseException:
            cause = f"{type(error).__name__}, which has no text"
            self._task.log.error(cause)
        return Report.of(Result(False, cause))

    async def _result(self) -> Optional[Result]:
        said: object
        if inspect.iscoroutinefunction(self._reconcile):
            said = self._reconcile(self._task)
        else:
            said = await self._called_in_thread()
        if inspect.isawaitable(said):
            if self.signal.why is not None:
                asyncio.get_running_loop().call_soon(self._cancel)
            said = await said
        if said is not None and not isinstance(said, Result):
            raise TypeError(f"the reconcile function gave {type(said).__name__}, and not a Result")
        return said

    async def _called_in_thread(self) -> object:
        """Calls the plain function. The thread is a daemon's, so that it does not keep the process from its end."""
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        context = contextvars.copy_context()

        def done(value: object, error: Optional[BaseException]) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(value)
            elif isinstance(error, StopIteration):
                # A future does not take it.
                future.set_exception(RuntimeError("the reconcile function raised StopIteration"))
            else:
                future.set_exception(error)

        def call() -> None:
            value, raised = None, None
            try:
                value = context.run(self._reconcile, self._task)
            except BaseException as error:
                raised = error
            self._home.call(lambda: done(value, raised))

        self._in_thread = True
        threading.Thread(target=call, name=f"conveyor-work-{self._task.id}", daemon=True).start()
        try:
            return await future
        finally:
            self._in_thread = False
