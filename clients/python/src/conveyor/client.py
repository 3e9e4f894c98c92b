"""One connection to a server, the typed stubs of its services on it, and the calls that users need most."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, cast

import grpc
import grpc.aio

from conveyor import connection, form
from conveyor.backoff import Backoff
from conveyor.errors import UnreachableError
from conveyor.resource import Resource
from conveyor.retry import retried
from conveyor.v1 import log_service_pb2 as logs
from conveyor.v1 import resource_service_pb2 as wire
from conveyor.v1.driver_service_pb2_grpc import DriverServiceStub
from conveyor.v1.log_service_pb2_grpc import LogServiceStub
from conveyor.v1.pipeline_service_pb2_grpc import PipelineServiceStub
from conveyor.v1.resource_service_pb2_grpc import ResourceServiceStub
from conveyor.v1.run_service_pb2_grpc import RunServiceStub
from conveyor.version import VERSION

if TYPE_CHECKING:
    from conveyor.v1.driver_service_pb2_grpc import DriverServiceAsyncStub
    from conveyor.v1.log_service_pb2_grpc import LogServiceAsyncStub
    from conveyor.v1.pipeline_service_pb2_grpc import PipelineServiceAsyncStub
    from conveyor.v1.resource_service_pb2_grpc import ResourceServiceAsyncStub
    from conveyor.v1.run_service_pb2_grpc import RunServiceAsyncStub

# How long a connection may take to stand, in seconds.
_CONNECT_TIMEOUT = 5.0
# What a new try of a tail may cure.
_PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED)


class Change(NamedTuple):
    """What became of a write."""

    #: The resource as it stands.
    resource: Resource
    #: The run that carries it out. Empty: nothing differs.
    run_id: str


class Client:
    """A connection to one server, for one event loop. It comes back by itself when it breaks.

    `async with Client("http://127.0.0.1:8080") as client:` waits until the server answers, and closes it at
    the end.
    """

    def __init__(self, server: str = "") -> None:
        #: The server's address. Empty: that of the variable CONVEYOR_SERVER, or else http://127.0.0.1:8080.
        self.server = connection.server_or_default(server)
        self._channel = grpc.aio.insecure_channel(connection.target(self.server), options=connection.options(VERSION))
        self.resources = cast("ResourceServiceAsyncStub", ResourceServiceStub(self._channel))
        self.pipelines = cast("PipelineServiceAsyncStub", PipelineServiceStub(self._channel))
        self.runs = cast("RunServiceAsyncStub", RunServiceStub(self._channel))
        self.drivers = cast("DriverServiceAsyncStub", DriverServiceStub(self._channel))
        self.logs = cast("LogServiceAsyncStub", LogServiceStub(self._channel))

    async def connect(self) -> Client:
        """Waits until the server answers. Raises UnreachableError when none does."""
        try:
            await asyncio.wait_for(self._ready(), _CONNECT_TIMEOUT)
        except (asyncio.TimeoutError, ConnectionError):
            await self.close()
            raise UnreachableError(f"no server answers at {self.server}: start one with `conveyor up`") from None
        return self

    async def _ready(self) -> None:
        state = self._channel.get_state(try_to_connect=True)
        while state is not grpc.ChannelConnectivity.READY:
            if state in (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN):
                raise ConnectionError
            await self._channel.wait_for_state_change(state)
            state = self._channel.get_state(try_to_connect=True)

    async def close(self) -> None:
        """Ends the connection."""
        await self._channel.close()

    async def __aenter__(self) -> Client:
        return await self.connect()

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()

    async def define(self, name: str, schema: Any) -> None:
        """Creates a definition, or replaces the schema of the one of that name."""
        definition = wire.ResourceDefinition(name=name, schema_json=form.write(schema))
        request = wire.ApplyResourceDefinitionRequest(resource_definition=definition)
        await retried(lambda: self.resources.ApplyResourceDefinition(request))

    async def create(self, resource: Resource) -> Change:
        """Creates a resource."""
        request = wire.CreateResourceRequest(resource=resource.to_wire())
        said = await retried(lambda: self.resources.CreateResource(request))
        return Change(Resource.from_wire(said.resource), said.run_id)

    async def apply(self, resource: Resource) -> Change:
        """Creates a resource or replaces the one of that type and name. Where nothing differs there is no run."""
        request = wire.ApplyResourceRequest(resource=resource.to_wire())
        said = await retried(lambda: self.resources.ApplyResource(request))
        return Change(Resource.from_wire(said.resource), said.run_id)

    async def get(self, definition: str, name: str) -> Resource:
        """Reads a resource."""
        request = wire.GetResourceRequest(resource=definition, name=name)
        return Resource.from_wire(await self.resources.GetResource(request))

    async def delete(self, definition: str, name: str) -> str:
        """Deletes a resource, and gives the run that carries it out."""
        request = wire.DeleteResourceRequest(resource=definition, name=name)
        return (await self.resources.DeleteResource(request)).run_id

    async def tail(
        self,
        run_id: str,
        *,
        driver: str = "",
        step: str = "",
        after: int = 0,
        follow: bool = True,
        on_gap: Optional[Callable[[int], None]] = None,
    ) -> AsyncIterator[logs.LogEntry]:
        """The lines of a run: all, or those of one driver or step, from the first or after a number; with
        `follow` until the run has ended. It comes back by itself after a broken connection, without a line lost
        or given twice. `on_gap` is told the first number that is left where lines are no longer kept."""
        request = logs.TailLogsRequest(run_id=run_id, driver=driver, step=step, after=after, follow=follow)
        wait = Backoff()
        while True:
            before = request.after
            call = self.logs.TailLogs(request)
            try:
                async for page in call:
                    if page.HasField("gap"):
                        (on_gap or _say_gap)(page.gap.first_seq)
                    for entry in page.entries:
                        request.after = entry.seq
                        yield entry
                return
            except grpc.aio.AioRpcError as error:
                if error.code() not in _PASSING:
                    raise
            finally:
                # A reader that has enough leaves in the middle.
                call.cancel()
            if request.after > before:
                wait.reset()
            await asyncio.sleep(wait.next())


def _say_gap(first: int) -> None:
    logging.getLogger("conveyor").warning("lines before number %d are no longer kept", first)
