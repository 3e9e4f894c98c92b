"""What becomes of a task's work: its result, its trace, its lines."""

from __future__ import annotations

import asyncio
import logging
import math
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any, Optional, TypedDict

import msgspec
import pydantic
import pytest

import conveyor
from conveyor.cancel import StopSignal
from conveyor.ledger import Start
from conveyor.limits import Limits
from conveyor.lines import Lines
from conveyor.logger import Logger, TaskLog
from conveyor.result import Report
from conveyor.v1 import driver_service_pb2 as wire
from conveyor.work import Home, Work


class Log:
    """A task's log of its own."""

    def __init__(self) -> None:
        self.lines = Lines(64 << 10, 1 << 20, 0, lambda: None)
        self.task_log = TaskLog(self.lines)
        self.logger = Logger(self.task_log, {})

    def __str__(self) -> str:
        batch = self.lines.batch(0, Limits())
        return (
            "\n".join(f"{line.stream} {dict(sorted(line.labels.items()))} {line.message}" for line in batch.lines)
            if batch
            else ""
        )


def carry_out(do: Any, cancel: Optional[threading.Event] = None, spec: str = "{}") -> tuple[Report, str]:
    """Carries out a function, and gives its report and its log. It is cancelled once the event is set."""
    log, signal, reports = Log(), StopSignal(), []
    offer = wire.Reconcile(task_id="task")
    offer.resource.spec_json = spec

    async def main() -> None:
        ended = asyncio.Event()

        def end(report: Report) -> None:
            reports.append(report)
            ended.set()

        Work(conveyor.Driver("tester", do), Start(offer, log.lines, signal), Home(), end).begin()
        if cancel is not None:
            await asyncio.to_thread(cancel.wait)
            signal.fire(conveyor.CancelReason.DEADLINE, 60)
        await asyncio.wait_for(ended.wait(), 60)

    asyncio.run(main())
    (report,) = reports
    return report, str(log)


class Clumsy(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


async def trips(task: conveyor.Task) -> conveyor.Result:
    raise KeyError("tripped")


def trips_in_thread(task: conveyor.Task) -> conveyor.Result:
    raise KeyError("tripped")


async def leaves(task: conveyor.Task) -> conveyor.Result:
    sys.exit("gone")


async def is_clumsy(task: conveyor.Task) -> conveyor.Result:
    raise Clumsy


async def cancels_itself(task: conveyor.Task) -> conveyor.Result:
    raise asyncio.CancelledError


async def gives_a_word(task: conveyor.Task) -> Any:
    return "done"


@pytest.mark.parametrize(
    ("do", "message"),
    [
        (trips, "KeyError: 'tripped'"),
        (trips_in_thread, "KeyError: 'tripped'"),
        (leaves, "SystemExit: gone"),
        (is_clumsy, "Clumsy"),
        (cancels_itself, "CancelledError"),
        (gives_a_word, "TypeError: the reconcile function gave str, and not a Result"),
    ],
)
def test_work_that_does_not_return_a_result_fails_with_a_trace(do: Any, message: str) -> None:
    report, log = carry_out(do)
    assert not report.success
    assert message in report.message
    assert "'level': 'error'" in log
    assert "test_work.py" in log or do in (is_clumsy, gives_a_word)


@pytest.mark.parametrize("data", [math.inf, object(), msgspec.Raw(b"{")])
def test_data_that_is_no_json_makes_a_failure(data: object) -> None:
    async def do(task: conveyor.Task) -> conveyor.Result:
        return conveyor.success("odd", data)

    report, _ = carry_out(do)
    assert not report.success
    assert report.message.startswith("the result's data is no JSON")
    assert report.message.endswith("the work said: odd")


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, ""),
        ({"b": 2.5, "a": "ä<"}, '{"b":2.5,"a":"ä<"}'),
        (msgspec.Raw(b'{"b": 2.50}'), '{"b": 2.50}'),
        ([Point(1)], '[{"x":1}]'),
    ],
)
def test_data_travels_as_json(data: object, text: str) -> None:
    report = Report.of(conveyor.success("kept", data))
    assert report == (True, "kept", text)


def test_results_are_brought_within_the_limits() -> None:
    much = Report.of(conveyor.success("much", "x" * (256 << 10))).within(Limits())
    assert much == (False, "the result's data has 262146 bytes, and 262144 are allowed; the work said: much", "")
    assert Report.of(conveyor.failure("ä" * 9000)).within(Limits()).message == "ä" * (8 << 10)
    assert Report.of(conveyor.failure("a\udcffb")).message == "a\ufffdb"


def test_coroutine_is_cancelled_and_can_say_why() -> None:
    began = threading.Event()

    async def do(task: conveyor.Task) -> conveyor.Result:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert task.cancellation is not None
            return conveyor.failure(task.cancellation.reason.name)
        return conveyor.success()

    assert carry_out(do, began)[0] == (False, "DEADLINE", "")


def test_coroutine_that_does_not_catch_its_cancel_fails_with_the_reason() -> None:
    began = threading.Event()

    async def do(task: conveyor.Task) -> None:
        began.set()
        await asyncio.Event().wait()

    assert carry_out(do, began) == ((False, "the step's time is over", ""), "")


def test_plain_function_runs_in_a_thread_and_is_told() -> None:
    began = threading.Event()

    def do(task: conveyor.Task) -> conveyor.Result:
        assert threading.current_thread() is not threading.main_thread()
        began.set()
        why = task.wait_cancelled(60)
        assert why is not None
        return conveyor.success(str(why))

    assert carry_out(do, began)[0] == (True, "the step's time is over", "")


def test_function_that_gives_a_coroutine_is_cancelled_once() -> None:
    began = threading.Event()

    async def clean(task: conveyor.Task) -> conveyor.Result:
        try:
            began.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            # A second cancel would end this.
            await asyncio.sleep(0.01)
        return conveyor.success("clean")

    def do(task: conveyor.Task) -> Any:
        # Cancelled while it is in its thread, before the coroutine is there.
        began.set()
        task.wait_cancelled(60)
        return clean(task)

    assert carry_out(lambda task: clean(task), began)[0] == (True, "clean", "")
    began.clear()
    assert carry_out(do, began)[0] == (True, "clean", "")


class Movie(TypedDict):
    year: int


def test_spec_is_read_into_the_users_type() -> None:
    async def do(task: conveyor.Task) -> conveyor.Result:
        point, movie = task.spec(Point), task.spec(Movie)
        return conveyor.success(f"{point.x} {movie['year']} {task.spec(sorted)} {task.spec()['x']} {task.params()}")

    assert carry_out(do, spec='{"x": 1, "year": 1927}')[0].message == "1 1927 ['x', 'year'] 1 None"
    report, _ = carry_out(do, spec='{"x": "1", "year": 1927}')
    assert "Expected `int`, got `str` - at `$.x`" in report.message


class Model(pydantic.BaseModel):
    x: int


@pytest.mark.parametrize("form", [Model, Model.model_validate])
def test_models_of_pydantic_are_read_and_written(form: Any) -> None:
    async def do(task: conveyor.Task) -> conveyor.Result:
        return conveyor.success("", task.spec(form))

    assert carry_out(do, spec='{"x": 1}')[0] == (True, "", '{"x":1}')
    assert "x\n  Input should be a valid integer" in carry_out(do, spec='{"x": "one"}')[0].message


def test_signal_is_outranked_by_fenced_only() -> None:
    signal = StopSignal()
    signal.fire(conveyor.CancelReason.DEADLINE, 3600)
    first = signal.why
    signal.fire(conveyor.CancelReason.CANCELLED, 0)
    assert signal.why is first
    signal.fire(conveyor.CancelReason.FENCED, 7200)
    assert first is not None
    assert signal.why is not None
    assert signal.why.reason is conveyor.CancelReason.FENCED
    assert signal.why.stop_by == first.stop_by


def test_logger_writes_lines_with_labels() -> None:
    log = Log()
    log.logger.info("two\nlines")
    log.logger.with_labels(image="app", layers=3).warn("pushed", tag="v1")
    log.logger.line("stderr", "")
    print("no end yet", end="", file=log.logger.writer())
    with log.logger.writer("bytes") as writer:
        writer.write(b"a\nb\xff")
    log.task_log.flush()
    assert str(log).split("\n") == [
        "driver {'level': 'info'} two",
        "driver {'level': 'info'} lines",
        "driver {'image': 'app', 'layers': '3', 'level': 'warn', 'tag': 'v1'} pushed",
        "stderr {} ",
        "bytes {} a",
        "bytes {} b\ufffd",
        "stdout {} no end yet",
    ]


def test_long_lines_are_split_and_marked() -> None:
    log, long = Log(), "€" * (50 << 10)
    log.logger.line("stdout", long)
    with log.logger.writer() as writer:
        writer.write(long)
    batch = log.lines.batch(0, Limits())
    assert batch is not None
    parts = [(line.labels.get("split"), len(line.message.encode()) <= 64 << 10) for line in batch.lines]
    assert parts == [("true", True), ("true", True), (None, True)] * 2
    assert "".join(line.message for line in batch.lines) == long * 2


def test_labels_are_kept_within_the_limits() -> None:
    log = Log()
    logger = log.logger
    for number in range(40):
        logger = logger.with_labels(**{f"label{number}": "v" * 2000})
    logger.line("stdout", "x" * (100 << 10))
    batch = log.lines.batch(0, Limits())
    assert batch is not None
    for line in batch.lines:
        assert len(line.labels) <= 32
        assert len(line.labels["label0"]) == 1 << 10


def test_commands_output_is_in_the_log() -> None:
    log = Log()
    with pytest.raises(subprocess.CalledProcessError, match="3"):
        asyncio.run(log.logger.run("sh", "-c", "echo out; echo err >&2; printf 'no end'; exit 3"))
    assert sorted(str(log).split("\n")) == ["stderr {} err", "stdout {} no end", "stdout {} out"]
    assert asyncio.run(log.logger.run("false", check=False)) == 1


def test_cancelled_command_is_told_to_end_and_its_last_words_are_kept() -> None:
    log = Log()
    script = "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.01; done"

    async def main() -> None:
        running = asyncio.ensure_future(log.logger.run("sh", "-c", script))
        while "ready" not in str(log):
            await asyncio.sleep(0.005)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(asyncio.wait_for(main(), 60))
    assert str(log) == "stdout {} ready\nstdout {} bye"


def test_ported_driver_gets_what_it_expects() -> None:
    from conveyor.runtime import Driver, DriverLogger, DriverManager

    class Old(Driver):
        async def reconcile(self, payload: str, event: str, run_id: str, driver_logger: DriverLogger) -> None:
            await driver_logger.log({"step": 1}, f"{payload} {event}")

    manager = DriverManager(Old("old", ["pipeline"]), ["create"], None, None)
    (driver,) = manager.drivers
    assert (driver.definitions, driver.events) == (["pipeline"], ["create"])
    report, log = carry_out(driver.reconcile, spec='{"image": 2.50}')
    assert report.success
    assert '"spec": {"image": 2.50}}' in log
    assert log.startswith("driver {'step': '1'} {")


logging.getLogger("conveyor").setLevel(logging.CRITICAL)
