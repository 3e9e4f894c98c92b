"""The log lines of one task, kept until they are on the server's disk.

The work writes in its threads, the stream reads in its own. A line's number is its place in the task, from
0, and never changes. The oldest lines are in memory, those for which it has no room in a file, from where
they come back in order. When the file is full too, who writes waits.

A line is kept as the bytes of a Log message with this one line in it: such messages joined are the message
with all of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Callable, Optional

from conveyor.limits import Limits
from conveyor.spill import Spill
from conveyor.v1 import driver_service_pb2 as wire

#: The stream of lines that the driver itself says, as opposed to what its children print.
OWN_STREAM = "driver"
# What a kept line costs besides its content.
_OVERHEAD = 128
# How much goes to the file, and comes back, at once: at least and at most.
_LEAST_BLOCK, _MOST_BLOCK = 4 << 10, 256 << 10


class _Queue:
    """Lines in their order, and what they take of the room in memory."""

    def __init__(self) -> None:
        self.lines: deque[bytes] = deque()
        self.cost = 0

    def takes(self, line: bytes, most: int) -> bool:
        """Whether a line has room among so many bytes. Alone it always has."""
        return not self.lines or self.cost + len(line) + _OVERHEAD <= most

    def add(self, line: bytes) -> None:
        self.lines.append(line)
        self.cost += len(line) + _OVERHEAD

    def extend(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.add(line)

    def drop(self) -> None:
        self.cost -= len(self.lines.popleft()) + _OVERHEAD


class Lines:
    """The kept lines of one task: the oldest in memory, then those in the file, then the newest in memory
    until they are a block for the file."""

    def __init__(self, line_bytes: int, memory: int, spill_size: int, changed: Callable[[], None]) -> None:
        self.line_bytes = line_bytes
        self._memory = memory
        self._spill_size = spill_size
        # Tells the session that there is something to send. Called without the lock.
        self._changed = changed
        # How much goes to the file, and comes back, at once.
        self._block = min(max(memory // 8, _LEAST_BLOCK), _MOST_BLOCK)
        # Whoever writes has the turn, also while it waits for room, so that lines keep their order.
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        # Fires when room was made, and when no more lines are taken.
        self._room = threading.Condition(self._lock)
        # The number of the first kept line: all before it are on the server's disk.
        self._first = 0
        self._kept = _Queue()
        self._spilled = 0
        self._newest = _Queue()
        # The file, once there is one, whether it is written to, and whether refill runs.
        self._spill: Optional[Spill] = None
        self._writing = False
        self._refilling = False
        # No more lines are taken; and those that were are not wanted.
        self._sealed = False
        self._discarded = False

    def push(self, line: bytes) -> None:
        """Adds a line when there is room for it. A sealed log drops it."""
        with self._turn, self._lock:
            sends = self._take(line)
        if sends:
            self._changed()

    def _take(self, line: bytes) -> bool:
        """Adds a line. True: it can be sent at once."""
        while not self._sealed:
            if not self._spilled and not self._newest.lines and self._kept.takes(line, self._memory - self._block):
                self._kept.add(line)
                return True
            if self._spill_size > 0 and self._newest.takes(line, self._block):
                self._newest.add(line)
                if not self._refilling:
                    self._refilling = True
                    threading.Thread(target=self._refill, name="conveyor-refill", daemon=True).start()
                return False
            if self._can_spill():
                self._to_file()
            else:
                self._room.wait()
        return False

    def _can_spill(self) -> bool:
        """Whether the file has room for a block. Makes the file the first time."""
        if self._spill is None and self._spill_size > 0:
            try:
                self._spill = Spill(self._spill_size)
            except OSError:
                # Where there can be no file, who writes waits for memory.
                self._spill_size = 0
        return self._spill is not None and self._spill_size > 0 and self._spill.has_room(self._newest.lines)

    def _to_file(self) -> None:
        """Writes the newest lines to the file, without the lock meanwhile."""
        spill, block = self._spill, self._newest.lines
        assert spill is not None
        tail = spill.tail
        self._writing = True
        self._lock.release()
        size: Optional[int] = None
        try:
            size = spill.write(block, tail)
        except OSError:
            pass
        finally:
            self._lock.acquire()
            self._writing = False
        if not self._discarded:
            if size is None:
                # The disk may be full. What is in the file already still comes back.
                self._spill_size = 0
            else:
                spill.tail += size
                self._spilled += len(block)
                self._newest = _Queue()
        self._room.notify_all()
        self._close_if_done()

    def _refill(self) -> None:
        """Brings lines back as memory becomes free, until all that are left are in memory."""
        while self._refill_once():
            self._changed()

    def _refill_once(self) -> bool:
        """Brings some lines back. False: nothing is left to bring."""
        with self._lock:
            while not self._discarded and (self._spilled or self._newest.lines):
                full = self._kept.lines and self._kept.cost + 2 * self._block > self._memory
                if full or (not self._spilled and self._writing):
                    self._room.wait()
                    continue
                if self._spilled:
                    self._from_file()
                else:
                    self._kept.extend(self._newest.lines)
                    self._newest = _Queue()
                self._room.notify_all()
                return True
            self._refilling = False
            self._close_if_done()
            return False

    def _from_file(self) -> None:
        """Reads the oldest lines of the file, without the lock meanwhile."""
        spill = self._spill
        assert spill is not None
        head, tail = spill.head, spill.tail
        self._lock.release()
        back: list[bytes] = []
        taken, failed = 0, ""
        try:
            back, taken = spill.read(head, tail, self._block)
        except (OSError, ValueError) as error:
            failed = str(error)
        finally:
            self._lock.acquire()
        if self._discarded:
            return
        if failed:
            back, taken = self._lost(failed), spill.tail - head
        spill.head += taken
        self._spilled -= len(back)
        self._kept.extend(back)

    def _lost(self, why: str) -> list[bytes]:
        """What stands for lines that cannot be read back: their numbers are given out, and who reads the log
        shall see that something is missing."""
        text = f"a line is lost, since the file that kept it cannot be read: {why}"
        line = wire.Log(lines=[wire.LogLine(stream=OWN_STREAM, message=text)]).SerializeToString()
        return [line] * self._spilled

    @property
    def next(self) -> int:
        """The number that the next new line gets."""
        with self._lock:
            return self._count()

    def _count(self) -> int:
        return self._first + len(self._kept.lines) + self._spilled + len(self._newest.lines)

    @property
    def oldest(self) -> int:
        """The number of the first line that is not known to be on the server's disk."""
        return self._first

    def free(self, before: int) -> None:
        """Forgets the lines before this number: they are on the server's disk."""
        with self._lock:
            while self._kept.lines and self._first < before:
                self._kept.drop()
                self._first += 1
            self._room.notify_all()

    def seal(self) -> int:
        """Takes no more lines, and says how many there were."""
        with self._lock:
            self._sealed = True
            self._room.notify_all()
            self._close_if_done()
            return self._count()

    def discard(self) -> None:
        """Takes no more lines and forgets those it has: nobody wants them."""
        with self._lock:
            self._sealed = self._discarded = True
            self._kept, self._newest = _Queue(), _Queue()
            self._spilled = 0
            self._room.notify_all()
            self._close_if_done()

    def _close_if_done(self) -> None:
        """Closes the file when nobody will read or write it again."""
        if self._sealed and not self._refilling and not self._writing and self._spill is not None:
            self._spill.close()
            self._spill = None
            self._spill_size = 0

    def batch(self, start: int, limits: Limits) -> Optional[wire.Log]:
        """The lines from a number on, as many as fit into one batch; at least one if there is one."""
        with self._lock:
            if not self._first <= start < self._first + len(self._kept.lines):
                return None
            lines: list[bytes] = []
            size = 0
            skip = start - self._first
            for line in islice(self._kept.lines, skip, skip + limits.batch_lines):
                size += len(line)
                if lines and size > limits.batch_bytes:
                    break
                lines.append(line)
        log = wire.Log.FromString(b"".join(lines))
        log.first_line = start
        return log
