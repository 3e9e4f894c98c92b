"""Calls that a server has no room for, against a scripted server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Callable, Optional

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from patience import SOON

import conveyor
from conveyor.v1 import log_service_pb2 as logs
from conveyor.v1 import resource_service_pb2 as wire
from conveyor.v1 import run_service_pb2 as runs
from conveyor.v1.log_service_pb2_grpc import LogServiceServicer, add_LogServiceServicer_to_server
from conveyor.v1.resource_service_pb2_grpc import ResourceServiceServicer, add_ResourceServiceServicer_to_server
from conveyor.v1.run_service_pb2_grpc import RunServiceServicer, add_RunServiceServicer_to_server

LEAST_MILLIS = 20


class Crowded(ResourceServiceServicer, RunServiceServicer, LogServiceServicer):
    """Refuses calls, and keeps what it was asked. Without a time to come back in it does not say when."""

    def __init__(self, refuses: int, code: grpc.StatusCode, millis: Optional[int]) -> None:
        self.asked: list[Message] = []
        self._refuses, self._code, self._millis = refuses, code, millis

    async def _hear(self, request: Message, context: Any) -> None:
        self.asked.append(request)
        if len(self.asked) > self._refuses:
            return
        said = Status(code=self._code.value[0], message="the disk is behind")
        said.details.add().Pack(ErrorInfo(reason="OVERLOADED", domain="conveyor"))
        if self._millis is not None:
            delay = Duration()
            delay.FromMilliseconds(self._millis)
            said.details.add().Pack(RetryInfo(retry_delay=delay))
        trailers = (("grpc-status-details-bin", said.SerializeToString()),)
        await context.abort(self._code, said.message, trailers)

    async def ApplyResourceDefinition(self, request: Any, context: Any) -> Any:
        await self._hear(request, context)
        return request.resource_definition

    async def CreateResource(self, request: Any, context: Any) -> Any:
        await self._hear(request, context)
        return wire.ResourceChange(resource=request.resource, run_id="run")

    async def ApplyResource(self, request: Any, context: Any) -> Any:
        return await self.CreateResource(request, context)

    async def StartRun(self, request: Any, context: Any) -> Any:
        await self._hear(request, context)
        return runs.Run(id="run")

    async def AppendLogs(self, request_iterator: Any, context: Any) -> Any:
        (request,) = [each async for each in request_iterator]
        await self._hear(request, context)
        return logs.AppendLogsResponse(count=len(request.entries))


@asynccontextmanager
async def crowded(
    refuses: int, millis: Optional[int], code: grpc.StatusCode = grpc.StatusCode.RESOURCE_EXHAUSTED
) -> AsyncIterator[tuple[Crowded, conveyor.Client]]:
    """A server that refuses so many calls, and a client of it."""
    # Of each service only some methods are asked for.
    script, server = Crowded(refuses, code, millis), grpc.aio.server()  # type: ignore[abstract]
    add_ResourceServiceServicer_to_server(script, server)
    add_RunServiceServicer_to_server(script, server)
    add_LogServiceServicer_to_server(script, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with conveyor.Client(f"http://127.0.0.1:{port}") as client:
            yield script, client
    finally:
        await server.stop(None)


ONE = conveyor.Resource.of("count", "one", {})


async def start(client: conveyor.Client) -> runs.Run:
    request = runs.StartRunRequest(resource="count", name="one", request_id="mine")
    return await conveyor.retried(lambda: client.runs.StartRun(request))


async def append(client: conveyor.Client) -> logs.AppendLogsResponse:
    batch = logs.AppendLogsRequest(entries=[logs.LogEntry(run_id="run", message="hello")])
    return await conveyor.retried(lambda: client.logs.AppendLogs(iter([batch])))


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.define("count", {"type": "object"}),
        lambda client: client.create(ONE),
        lambda client: client.apply(ONE),
        start,
        append,
    ],
    ids=["define", "create", "apply", "start", "append"],
)
def test_what_the_server_has_no_room_for_is_asked_again_in_the_same_words(
    call: Callable[[conveyor.Client], Awaitable[Any]],
) -> None:
    async def main() -> None:
        async with crowded(3, LEAST_MILLIS) as (script, client):
            began = time.monotonic()
            await asyncio.wait_for(call(client), SOON)
            assert time.monotonic() - began >= 3 * LEAST_MILLIS / 1000
            assert len(script.asked) == 4
            assert all(asked == script.asked[0] for asked in script.asked)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("code", "millis", "asked"),
    [
        # Again and again; without a word of a new try; something else.
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 1, 6),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, None, 1),
        (grpc.StatusCode.UNAVAILABLE, None, 1),
    ],
)
def test_what_is_refused_for_good_is_not_asked_again(code: grpc.StatusCode, millis: Optional[int], asked: int) -> None:
    async def main() -> None:
        async with crowded(100, millis, code) as (script, client):
            with pytest.raises(grpc.aio.AioRpcError, match="the disk is behind"):
                await client.create(ONE)
            assert len(script.asked) == asked

    asyncio.run(main())


def test_wait_for_room_ends_with_its_deadline() -> None:
    async def main() -> None:
        async with crowded(100, 3_600_000) as (script, client):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.create(ONE), 0.2)
            assert len(script.asked) <= 1

    asyncio.run(main())
