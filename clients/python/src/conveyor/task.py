"""What a reconcile function is given."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar, overload

from conveyor.cancel import Cancellation, StopSignal
from conveyor.ledger import seconds
from conveyor.resource import Resource, read_as
from conveyor.v1 import driver_service_pb2 as wire
from conveyor.v1.pipeline_service_pb2 import Pipeline

if TYPE_CHECKING:
    from conveyor.logger import Logger

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """The step that a task carries out."""

    #: Unique in the run.
    id: str
    #: For people.
    name: str
    #: What the driver is told beside the resource, as JSON text. Empty: nothing.
    params_json: str


@dataclass(frozen=True)
class StepResult:
    """The result of an earlier step."""

    step: str
    driver: str
    success: bool
    message: str
    #: Its data as JSON text. Empty: none.
    data_json: str

    def data(self, into: Any = Any) -> Any:
        """Reads the data like `Resource.spec`. None without any."""
        return read_as(self.data_json, into, f"the data of step {self.step}") if self.data_json else None


@dataclass(frozen=True)
class Task:
    """One step to carry out, with everything that is known about it."""

    #: The run, a UUID.
    run_id: str
    #: This offer of the step, a UUID.
    id: str
    #: Counts the attempts at the step, from 1.
    attempt: int
    #: The name of the driver that was asked.
    driver: str
    #: What happened: create, update, process or delete.
    event: str
    #: What caused the run: create, update or delete.
    cause: str
    #: The resource as it was when the run was written.
    resource: Resource
    #: The pipeline as it was. None without one.
    pipeline: Optional[Pipeline]
    step: Step
    #: Those of earlier steps, in their order.
    results: list[StepResult]
    #: When the time of the attempt is over, by `time.monotonic()`; the server then cancels it. None: it has
    #: as much as it needs.
    deadline: Optional[float]
    #: Its place in a trace, as W3C's traceparent header has it: spans of the driver belong below it. Empty:
    #: the run belongs to no trace.
    traceparent: str
    #: What other systems pass on with it, as the tracestate header has it. May be empty.
    tracestate: str
    #: Where it logs.
    log: Logger
    _signal: StopSignal

    @property
    def cancellation(self) -> Optional[Cancellation]:
        """Why the task is to stop, and by when. None: it is not."""
        return self._signal.why

    def wait_cancelled(self, timeout: Optional[float] = None) -> Optional[Cancellation]:
        """Blocks its thread until the task is to stop, for so many seconds at most: for a reconcile that is no
        coroutine."""
        return self._signal.wait(timeout)

    @overload
    def spec(self) -> Any: ...
    @overload
    def spec(self, into: type[T]) -> T: ...
    @overload
    def spec(self, into: Callable[[Any], T]) -> T: ...
    def spec(self, into: Any = Any) -> Any:
        """Reads the resource's spec into a type of yours: see `Resource.spec`."""
        return self.resource.spec(into)

    @overload
    def params(self) -> Any: ...
    @overload
    def params(self, into: type[T]) -> T: ...
    @overload
    def params(self, into: Callable[[Any], T]) -> T: ...
    def params(self, into: Any = Any) -> Any:
        """Reads the step's parameters in the same way. Where there are none, it reads an empty object, or
        gives None where no type was named."""
        if not self.step.params_json and into is Any:
            return None
        return read_as(self.step.params_json or "{}", into, f"the params of step {self.step.id}")

    @staticmethod
    def of(driver: str, offer: wire.Reconcile, log: Logger, signal: StopSignal) -> Task:
        """The task of an offer that came just now."""
        return Task(
            run_id=offer.run_id,
            id=offer.task_id,
            attempt=offer.attempt,
            driver=driver,
            event=offer.event,
            cause=offer.cause,
            resource=Resource.from_wire(offer.resource),
            pipeline=offer.pipeline if offer.HasField("pipeline") else None,
            step=Step(offer.step.id, offer.step.name, offer.step.params_json),
            results=[StepResult(r.step, r.driver, r.success, r.message, r.data_json) for r in offer.results],
            deadline=time.monotonic() + seconds(offer.time_left) if offer.HasField("time_left") else None,
            traceparent=offer.traceparent,
            tracestate=offer.tracestate,
            log=log,
            _signal=signal,
        )
