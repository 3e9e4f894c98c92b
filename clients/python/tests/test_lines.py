"""Lines in memory and on disk: in order, each once, and a writer that waits where there is no room."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Callable

import pytest
from patience import until

from conveyor.limits import Limits
from conveyor.lines import Lines
from conveyor.spill import Spill
from conveyor.v1 import driver_service_pb2 as wire


def text(number: int) -> str:
    return f"line {number} {'x' * (number % 300)}"


def line(number: int) -> bytes:
    return wire.Log(lines=[wire.LogLine(message=text(number))]).SerializeToString()


def lines(memory: int, spill: int) -> Lines:
    return Lines(64 << 10, memory, spill, lambda: None)


def push(to: Lines, count: int) -> threading.Thread:
    def write() -> None:
        for number in range(count):
            to.push(line(number))

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def drain(of: Lines, count: int) -> None:
    """Takes and frees batches until there were count lines, and checks each."""
    taken = 0
    while taken < count:
        until(f"line {taken}", lambda start=taken: of.batch(start, Limits()) is not None)  # type: ignore[misc]
        batch = of.batch(taken, Limits())
        assert batch is not None
        assert batch.first_line == taken
        for got in batch.lines:
            assert got.message == text(taken)
            taken += 1
        of.free(taken)


@pytest.mark.parametrize("memory", [1, 4 << 10, 1 << 20])
def test_lines_beyond_memory_come_back_from_the_file_in_order(memory: int) -> None:
    of = lines(memory, 1 << 20)
    writer = push(of, 20_000)
    drain(of, 20_000)
    writer.join()
    assert of.seal() == of.next == 20_000
    until("the file is closed", lambda: of._spill is None)


def test_lines_beyond_memory_are_in_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    of = lines(64 << 10, 1 << 20)
    push(of, 1_000).join()
    assert of._kept.cost + of._newest.cost <= 64 << 10
    assert of._spilled > 0
    assert os.listdir(tmp_path) == []
    drain(of, 1_000)
    of.discard()


@pytest.mark.parametrize("spill", [0, 16 << 10])
def test_writer_waits_when_memory_and_file_are_full(spill: int) -> None:
    of = lines(8 << 10, spill)
    writer = push(of, 1_000)
    until("the writer waits", lambda: bool(of._room._waiters) and of._turn.locked())  # type: ignore[attr-defined]
    assert of.next < 1_000
    drain(of, 1_000)
    writer.join()
    of.discard()


@pytest.mark.parametrize(("end", "left"), [(Lines.seal, 1), (Lines.discard, 0)])
def test_seal_and_discard_let_a_waiting_writer_go(end: Callable[[Lines], object], left: int) -> None:
    of = lines(1, 0)
    writer = push(of, 2)
    until("the writer waits", lambda: bool(of._room._waiters))  # type: ignore[attr-defined]
    end(of)
    writer.join(60)
    assert not writer.is_alive()
    assert of.next == left


def test_file_that_cannot_be_read_is_told_in_the_log() -> None:
    of = lines(1, 1 << 20)
    of.push(line(0))
    with of._lock:
        of._refilling = True
    of.push(line(1))
    with of._lock:
        assert of._can_spill()
        of._to_file()
        assert of._spill is not None
        os.ftruncate(of._spill._file.fileno(), 0)
    threading.Thread(target=of._refill).start()
    of.free(1)
    until("the line comes back", lambda: of.batch(1, Limits()) is not None)
    batch = of.batch(1, Limits())
    assert batch is not None
    assert "lost" in batch.lines[0].message
    of.discard()


def test_spill_is_a_ring() -> None:
    spill = Spill(100)
    head = tail = 0
    for number in range(200):
        block = [bytes([number]) * (number % 30), b"next"]
        assert spill.has_room(block)
        tail += spill.write(block, tail)
        spill.tail = tail
        while head < tail:
            back, taken = spill.read(head, tail, 8)
            assert back == block[: len(back)]
            block = block[len(back) :]
            head += taken
        spill.head = head
    assert not spill.has_room([b"x" * 97])
    spill.close()


def test_batches_keep_the_limits() -> None:
    of = lines(1 << 20, 0)
    push(of, 1_000).join()
    few = of.batch(10, Limits(batch_lines=7))
    assert few is not None
    assert [got.message for got in few.lines] == [text(number) for number in range(10, 17)]
    small = of.batch(299, Limits(batch_bytes=100))
    assert small is not None
    assert len(small.lines) == 1
    assert of.batch(1_000, Limits()) is None
