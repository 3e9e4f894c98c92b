"""Drivers of this runtime against the real server, also with either side killed."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Callable

import pytest
from counter import counter
from patience import SOON, until
from server import ROOT, Server
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect

import conveyor
from conveyor.v1.driver_service_pb2 import GetDriverRequest
from conveyor.v1.run_service_pb2 import (
    RUN_STATE_CANCELLED,
    RUN_STATE_SUCCEEDED,
    STEP_STATE_PENDING,
    STEP_STATE_RUNNING,
    CancelRunRequest,
    GetRunRequest,
    Run,
)

Program = Callable[..., "subprocess.Popen[bytes]"]

PERSON = {
    "name": "person",
    "schema": {
        "type": "object",
        "required": ["greetings"],
        "properties": {"greetings": {"type": "array", "items": {"type": "string"}}},
    },
}


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 2 * SOON))


def test_tutorials_driver_is_read_by_websocket(server: Server, program: Program) -> None:
    assert len((ROOT / "examples/greeter.py").read_text().splitlines()) <= 40
    greeter = program("examples/greeter.py", CONVEYOR_SERVER=server.url)
    server.post("/resource-definitions", PERSON)
    ada = {"name": "ada", "resource": "person", "spec": {"greetings": ["Hello", "Good day"]}}
    run_id = server.post("/resources/", ada)["runid"]
    url = f"{server.url.replace('http', 'ws')}/drivers/streams/logs/greeter/{run_id}"
    with connect(url) as socket:
        assert [json.loads(socket.recv(SOON))[1] for _ in range(2)] == ["Hello, ada", "Good day, ada"]
        with pytest.raises(ConnectionClosedOK):
            socket.recv(SOON)

    async def check() -> None:
        async with conveyor.Client(server.url) as client:
            ended = await get_run(client, run_id)
            assert ended.state == RUN_STATE_SUCCEEDED
            assert ended.steps[0].data_json == '{"greetings":2}'

    run(check())
    greeter.send_signal(signal.SIGTERM)
    assert greeter.wait(SOON) == 0


@asynccontextmanager
async def running(url: str, *drivers: conveyor.Driver, **options: Any) -> AsyncIterator[conveyor.Manager]:
    """Runs drivers meanwhile, on this event loop."""
    manager = conveyor.Manager(url, *drivers, **options)
    task = asyncio.ensure_future(manager.run())
    try:
        yield manager
        manager.stop()
        await task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def get_run(client: conveyor.Client, run_id: str) -> Run:
    return await client.runs.GetRun(GetRunRequest(id=run_id))


async def count(client: conveyor.Client, name: str, lines: int) -> str:
    """Creates a resource of the definition count and gives its run."""
    await client.define("count", {"type": "object"})
    return (await client.create(conveyor.Resource.of("count", name, {"lines": lines}))).run_id


async def read(client: conveyor.Client, run_id: str, *, follow: bool = True) -> list[conveyor.LogEntry]:
    return [line async for line in client.tail(run_id, follow=follow)]


async def until_stored(url: str, run_id: str, lines: int) -> None:
    async with conveyor.Client(url) as client:
        while len(await read(client, run_id, follow=False)) < lines:
            await asyncio.sleep(0.01)


async def until_acked(client: conveyor.Client, run_id: str) -> None:
    """Waits until the server knows that the first step is at work. Work may begin before."""
    while [step.state for step in (await get_run(client, run_id)).steps] != [STEP_STATE_RUNNING]:
        await asyncio.sleep(0.005)


def numbered(lines: list[conveyor.LogEntry]) -> list[str]:
    return [line.message for line in lines]


def test_server_killed_in_mid_run_loses_and_doubles_nothing(server: Server) -> None:
    async def main() -> None:
        total = 40_000
        async with running(server.url, counter(0.005)):
            client = await conveyor.Client(server.url).connect()
            run_id = await count(client, "long", total)
            follower = asyncio.ensure_future(read(client, run_id))
            for kills in range(1, 4):
                await until_stored(server.url, run_id, kills * 3_000)
                await asyncio.to_thread(server.kill)
                # Long enough for more lines than a window, while nobody takes them.
                await asyncio.sleep(0.2)
                await asyncio.to_thread(server.start)
            expected = [f"line {number}" for number in range(total)]
            assert numbered(await follower) == expected
            assert numbered(await read(client, run_id)) == expected
            ended = await get_run(client, run_id)
            assert ended.state == RUN_STATE_SUCCEEDED
            assert len(ended.steps[0].attempts) == 1
            await client.close()

    run(main())


def test_driver_and_server_killed_in_mid_run_are_followed_by_others(
    start_server: Callable[..., Server], program: Program
) -> None:
    server = start_server(DRIVER_LEASE_TIME="2s", DRIVER_HEARTBEAT_PERIOD="500ms")

    async def main() -> None:
        total = 20_000
        first = program("tests/counter.py", server.url)
        async with conveyor.Client(server.url) as client:
            run_id = await count(client, "long", total)
        await until_stored(server.url, run_id, 2_000)
        first.kill()
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        async with running(server.url, counter(0)), conveyor.Client(server.url) as client:
            attempts: dict[int, list[conveyor.LogEntry]] = {}
            for line in await read(client, run_id):
                attempts.setdefault(line.attempt, []).append(line)
            assert sorted(attempts) == [1, 2]
            assert len(attempts[1]) >= 2_000
            assert numbered(attempts[1]) == [f"line {number}" for number in range(len(attempts[1]))]
            assert numbered(attempts[2]) == [f"line {number}" for number in range(total)]

    run(main())


def test_work_that_blocks_its_event_loop_does_not_lose_its_task(
    start_server: Callable[..., Server], program: Program
) -> None:
    server = start_server(DRIVER_LEASE_TIME="1500ms", DRIVER_HEARTBEAT_PERIOD="500ms")

    async def busy(task: conveyor.Task) -> None:
        task.log.info("begins")
        end = time.monotonic() + 3
        while time.monotonic() < end:
            pass

    async def main() -> None:
        async with conveyor.Client(server.url) as client:
            driver = conveyor.Driver("busy", busy, definitions=["count"])
            async with running(server.url, driver):
                run_id = await count(client, "busy", 0)
                await read(client, run_id)
                ended = await get_run(client, run_id)
                assert ended.state == RUN_STATE_SUCCEEDED
                assert len(ended.steps[0].attempts) == 1

    run(main())


def test_cancelled_run_tells_its_driver_why(server: Server) -> None:
    async def main() -> None:
        began = asyncio.Event()

        async def patient(task: conveyor.Task) -> conveyor.Result:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                task.log.info(f"stops: {task.cancellation}")
            return conveyor.success()

        driver = conveyor.Driver("patient", patient, definitions=["count"])
        async with running(server.url, driver), conveyor.Client(server.url) as client:
            run_id = await count(client, "slow", 0)
            await began.wait()
            await until_acked(client, run_id)
            await client.runs.CancelRun(CancelRunRequest(id=run_id))
            assert numbered(await read(client, run_id)) == ["stops: the run was cancelled"]
            ended = await get_run(client, run_id)
            assert ended.state == RUN_STATE_CANCELLED
            assert ended.steps[0].message == "the run was cancelled"

    run(main())


def test_client_creates_applies_gets_and_deletes(server: Server) -> None:
    async def main() -> None:
        async with conveyor.Client(server.url) as client:
            await count(client, "one", 1)
            one = await client.get("count", "one")
            assert (one.spec_json, one.revision, bool(one.id)) == ('{"lines":1}', 1, True)
            same = await client.apply(one)
            assert (same.run_id, same.resource.revision) == ("", 1)
            one.spec_json = '{"lines": 2.50}'
            other = await client.apply(one)
            assert other.run_id
            assert (other.resource.revision, other.resource.spec_json) == (2, '{"lines":2.50}')
            assert await client.delete("count", "one")
            with pytest.raises(Exception, match="NOT_FOUND"):
                await client.get("count", "one")

    run(main())


@pytest.mark.parametrize("address", ["https://127.0.0.1:8080", "127.0.0.1:8080", "http://", "http://a:b"])
def test_address_that_is_none_is_an_error_that_says_so(address: str) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match=address):
            conveyor.Client(address)

    run(main())


def test_server_that_is_not_there_is_an_error_that_says_so() -> None:
    async def main() -> None:
        with pytest.raises(conveyor.UnreachableError, match=r"http://127\.0\.0\.1:1"):
            await conveyor.Client("http://127.0.0.1:1").connect()

    run(main())


async def idle(task: conveyor.Task) -> None:
    pass


def test_manager_without_a_server_ends_when_it_is_stopped() -> None:
    async def main() -> None:
        async with running("http://127.0.0.1:1", conveyor.Driver("lonely", idle)):
            await asyncio.sleep(0.2)

    run(main())


def test_signal_is_heard_by_a_loop_that_waits_whichever_thread_took_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "conveyor")
    manager = conveyor.Manager("http://127.0.0.1:1", conveyor.Driver("lonely", idle))
    late = threading.Timer(SOON, manager.abort)
    late.start()

    def send() -> None:
        # Then the loop has nothing to do but to wait.
        until("it tries", lambda: "trying again" in caplog.text)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    sender = threading.Thread(target=send)
    sender.start()
    manager.run_until_signal()
    sender.join()
    assert late.is_alive()
    late.cancel()


@pytest.mark.parametrize(
    "manager",
    [
        conveyor.Manager(""),
        conveyor.Manager("", conveyor.Driver("", idle)),
        conveyor.Manager("", conveyor.Driver("a b", idle)),
        conveyor.Manager("", conveyor.Driver("a", None)),  # type: ignore[arg-type]
        conveyor.Manager("", conveyor.Driver("a", idle, slots=1001)),
        conveyor.Manager("", conveyor.Driver("a", idle, definitions="person")),
        conveyor.Manager("", conveyor.Driver("a", idle, labels={"os": "\udcff"})),
        conveyor.Manager("", conveyor.Driver("a", idle, labels={"cores": 4})),  # type: ignore[dict-item]
        conveyor.Manager("localhost:8080", conveyor.Driver("a", idle)),
    ],
)
def test_manager_that_cannot_work_says_why(manager: conveyor.Manager) -> None:
    with pytest.raises(ValueError, match=" "):
        run(manager.run())


def test_refused_driver_ends_the_manager_and_drains_the_others(server: Server) -> None:
    refused = conveyor.Driver("refused", idle, definitions=["no such name!"])
    with pytest.raises(conveyor.RefusedError) as caught:
        run(conveyor.Manager(server.url, conveyor.Driver("fine", idle), refused).run())
    assert caught.value.driver == "refused"


@pytest.mark.parametrize("how", ["drain timeout", "cancel"])
def test_task_is_given_back_when_the_manager_is_told_to_end_at_once(server: Server, how: str) -> None:
    async def main() -> None:
        why: list[Any] = []
        began = asyncio.Event()

        async def slow(task: conveyor.Task) -> conveyor.Result:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                why.append(task.cancellation)
            return conveyor.success("in vain")

        driver = conveyor.Driver("slow", slow, definitions=["count"])
        manager = conveyor.Manager(server.url, driver, drain_timeout=0.1)
        async with conveyor.Client(server.url) as client:
            end = asyncio.ensure_future(manager.run())
            run_id = await count(client, "slow", 0)
            await began.wait()
            await until_acked(client, run_id)
            if how == "cancel":
                end.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await end
            else:
                manager.stop()
                await end
            assert [each.reason for each in why] == [conveyor.CancelReason.FENCED]
            assert (await get_run(client, run_id)).steps[0].state == STEP_STATE_PENDING

    run(main())


def test_second_signal_gives_the_task_back_while_the_event_loop_is_blocked(server: Server, program: Program) -> None:
    async def main() -> None:
        blocker = program("tests/blocker.py", server.url)
        async with conveyor.Client(server.url) as client:
            run_id = await count(client, "slow", 0)
            await until_acked(client, run_id)
            blocker.send_signal(signal.SIGTERM)
            while not (await client.drivers.GetDriver(GetDriverRequest(name="blocker"))).instances[0].draining:
                await asyncio.sleep(0.005)
            blocker.send_signal(signal.SIGTERM)
            while (await get_run(client, run_id)).steps[0].state != STEP_STATE_PENDING:
                await asyncio.sleep(0.005)
        # What blocks for ever is ended by a third.
        blocker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(blocker.wait, SOON) == -signal.SIGTERM

    run(main())


def test_work_that_outstays_its_grace_is_reported_and_keeps_its_slot(start_server: Callable[..., Server]) -> None:
    server = start_server(DRIVER_CANCEL_GRACE="300ms")

    async def main() -> None:
        begun, end = asyncio.Semaphore(0), asyncio.Event()

        async def deaf(task: conveyor.Task) -> conveyor.Result:
            begun.release()
            while not end.is_set():
                try:
                    await end.wait()
                except asyncio.CancelledError:
                    pass
            return conveyor.success("late")

        driver = conveyor.Driver("deaf", deaf, definitions=["count"])
        async with running(server.url, driver), conveyor.Client(server.url) as client:
            first = await count(client, "first", 0)
            await begun.acquire()
            await until_acked(client, first)
            await client.runs.CancelRun(CancelRunRequest(id=first))
            await read(client, first)
            second = await count(client, "second", 0)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(begun.acquire(), 0.3)
            end.set()
            await read(client, second)
            assert (await get_run(client, second)).state == RUN_STATE_SUCCEEDED

    run(main())
