"""Where a task logs. Lines are kept until they are on the server's disk."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Optional, Union

from google.protobuf.timestamp_pb2 import Timestamp

from conveyor.form import valid_text
from conveyor.lines import OWN_STREAM, Lines
from conveyor.split import Splitter, clip, pieces, text_lines
from conveyor.v1 import driver_service_pb2 as wire

# The label of a line that goes on in the next one, since it was too long for one.
_SPLIT = "split"
# A line has at most 32 labels; one is left for _SPLIT.
_MAX_LABELS = 31
# The most bytes of a label's key or a stream's name, and of a label's value. Longer ones are cut.
_MAX_NAME, _MAX_VALUE = 128, 1 << 10
# How much of a child's output is read at once.
_READ_BYTES = 64 << 10
# How many seconds a child has to end after SIGTERM, before it is killed.
_TERMINATE_GRACE = 5.0

Labels = Mapping[str, str]


class Logger:
    """Writes the log of one task. Any thread may.

    Calls return when the line is kept, not when it is on the server's disk. When memory and file are full
    they wait for room. After the task has ended, or was fenced, lines are dropped.
    """

    def __init__(self, log: TaskLog, labels: Labels) -> None:
        self._log = log
        self._labels = labels
        # The labels with each level, made once, since most lines have no labels of their own.
        self._levels = {level: _merged(labels, {"level": level}) for level in ("debug", "info", "warn", "error")}

    def with_labels(self, **labels: object) -> Logger:
        """The same log, with more labels on each line; at most 31 in all."""
        return Logger(self._log, _merged(self._labels, _fit(labels)))

    def debug(self, text: object, **labels: object) -> None:
        """Writes what helps to find a fault."""
        self._say("debug", text, labels)

    def info(self, text: object, **labels: object) -> None:
        """Writes what is good to know."""
        self._say("info", text, labels)

    def warn(self, text: object, **labels: object) -> None:
        """Writes what may be wrong."""
        self._say("warn", text, labels)

    def error(self, text: object, **labels: object) -> None:
        """Writes what is wrong."""
        self._say("error", text, labels)

    def line(self, stream: str, text: object) -> None:
        """Writes text as a line of a stream: stdout, stderr, or a word of your own. Text of several lines
        becomes several lines, empty text an empty one."""
        self._put(stream, text, self._labels)

    def writer(self, stream: str = "stdout") -> LineWriter:
        """A file to write to, for `print(..., file=...)` and others: what it is given goes to the stream, line
        by line. Bytes that are not UTF-8 become U+FFFD. Its close, or the end of the task, writes a last line
        that has no end."""
        return LineWriter(self._log, clip(valid_text(stream), _MAX_NAME), self._labels)

    async def pipe(self, stream: str, output: asyncio.StreamReader) -> None:
        """Reads output to its end and writes it to the stream, line by line. Where the log has no room it
        waits without holding up the event loop."""
        with self.writer(stream) as writer:
            while chunk := await output.read(_READ_BYTES):
                await asyncio.to_thread(writer.write, chunk)

    async def run(self, *command: str, check: bool = True, **options: Any) -> int:
        """Runs a command with its output in the log, as the streams stdout and stderr, and gives its exit
        status; one that is not 0 raises `subprocess.CalledProcessError`, unless `check` is False. When the
        task is cancelled the child gets SIGTERM, and after 5 seconds is killed. `options` are those of
        `asyncio.create_subprocess_exec`."""
        child = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )
        assert child.stdout is not None
        assert child.stderr is not None
        piped = asyncio.gather(self.pipe("stdout", child.stdout), self.pipe("stderr", child.stderr))
        try:
            await asyncio.shield(piped)
            status = await child.wait()
        except asyncio.CancelledError:
            _signal(child, child.terminate)
            await asyncio.wait({piped}, timeout=_TERMINATE_GRACE)
            raise
        finally:
            _signal(child, child.kill)
            piped.cancel()
        if check and status != 0:
            raise subprocess.CalledProcessError(status, list(command))
        return status

    def _say(self, level: str, text: object, labels: Mapping[str, object]) -> None:
        all_labels: Labels = self._levels[level]
        if labels:
            all_labels = _merged(_merged(self._labels, _fit(labels)), {"level": level})
        self._put(OWN_STREAM, text, all_labels)

    def _put(self, stream: str, text: object, labels: Labels) -> None:
        stream = clip(valid_text(stream), _MAX_NAME)
        for line in text_lines(valid_text(str(text))):
            self._log.put(stream, line, labels)


class TaskLog:
    """What the loggers of one task share."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self._lock = threading.Lock()
        # Writers that hold the start of a line.
        self._writers: set[LineWriter] = set()

    def put(self, stream: str, text: str, labels: Labels, goes_on: bool = False) -> None:
        """Writes a line, or several when it is too long for one; `goes_on` says that the next is the rest."""
        *starts, rest = pieces(text, self.lines.line_bytes)
        for start in starts:
            self._push(stream, start, labels, True)
        self._push(stream, rest, labels, goes_on)

    def _push(self, stream: str, text: str, labels: Labels, goes_on: bool) -> None:
        now = time.time_ns()
        log = wire.Log()
        log.lines.add(
            time=Timestamp(seconds=now // 1_000_000_000, nanos=now % 1_000_000_000),
            stream=stream,
            # Most have none, which costs less to say so.
            labels=_merged(labels, {_SPLIT: "true"}) if goes_on else labels or None,
            message=text,
        )
        self.lines.push(log.SerializeToString())

    def remember(self, writer: LineWriter, holds: bool) -> None:
        """Notes whether a writer holds the start of a line, for the end of the task."""
        with self._lock:
            if holds:
                self._writers.add(writer)
            else:
                self._writers.discard(writer)

    def flush(self) -> None:
        """Writes the last lines of all writers that were not closed."""
        with self._lock:
            writers = list(self._writers)
        for writer in writers:
            writer.close()


class LineWriter:
    """Writes bytes or text to a task's log, line by line. It never fails, so that no child is held up by
    lines that are dropped."""

    def __init__(self, log: TaskLog, stream: str, labels: Labels) -> None:
        self._log = log
        self._stream = stream
        self._labels = labels
        self._lock = threading.Lock()
        self._splitter = Splitter(log.lines.line_bytes)

    def write(self, text: Union[str, bytes]) -> int:
        """Takes text or bytes; whole lines go to the log."""
        more = valid_text(text).encode() if isinstance(text, str) else bytes(text)
        with self._lock:
            for text_line in self._splitter.feed(more):
                self._log.put(self._stream, text_line.text, self._labels, text_line.goes_on)
            self._log.remember(self, self._splitter.holds)
        return len(text)

    def flush(self) -> None:
        """Does nothing: what has no end of line yet waits for it."""

    def close(self) -> None:
        """Writes a last line that has no end."""
        with self._lock:
            for text_line in self._splitter.end():
                self._log.put(self._stream, text_line.text, self._labels)
            self._log.remember(self, False)

    def __enter__(self) -> LineWriter:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


def _fit(labels: Mapping[str, object]) -> Labels:
    """Labels with keys and values of the length that the server takes."""
    fit = {}
    for key, value in labels.items():
        key = clip(valid_text(str(key)), _MAX_NAME)
        if key:
            fit[key] = clip(valid_text(str(value)), _MAX_VALUE)
    return fit


def _merged(labels: Labels, more: Labels) -> Labels:
    """Labels and more; those that are too many are left out."""
    merged = dict(labels)
    for key, value in more.items():
        if key in merged or len(merged) < _MAX_LABELS or key == _SPLIT:
            merged[key] = value
    return merged


def _signal(child: asyncio.subprocess.Process, send: Any) -> None:
    """Sends a signal to a child that may have ended."""
    if child.returncode is None:
        try:
            send()
        except ProcessLookupError:
            pass
