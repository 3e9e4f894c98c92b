"""Log lines on disk, for which there is no room in memory: a ring in a temporary file.

The file has no name, so that it is gone with its process, however that ends. One thread at a time writes,
and one at a time reads; the positions belong to lines.py.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterable

# What a line needs in the file besides its content: its length.
_HEAD = struct.Struct("<I")


class Spill:
    """The file. What is between head and tail waits to be read; both only grow."""

    def __init__(self, size: int) -> None:
        self._file = tempfile.TemporaryFile(prefix="conveyor-log-", buffering=0)  # noqa: SIM115  It outlives this.
        self._size = size
        self.head = 0
        self.tail = 0

    def has_room(self, lines: Iterable[bytes]) -> bool:
        """Whether lines fit."""
        return self.tail + sum(_HEAD.size + len(line) for line in lines) - self.head <= self._size

    def write(self, lines: Iterable[bytes], tail: int) -> int:
        """Puts lines behind the tail, and says how far the tail is to move."""
        text = b"".join(part for line in lines for part in (_HEAD.pack(len(line)), line))
        left = memoryview(text)
        while left:
            at = tail % self._size
            written = os.pwrite(self._file.fileno(), left[: self._size - at], at)
            left, tail = left[written:], tail + written
        return len(text)

    def read(self, head: int, tail: int, most: int) -> tuple[list[bytes], int]:
        """The lines at head, as many as are whole in `most` bytes; at least one. It says how far the head is
        to move."""
        block = self._bytes(head, min(most, tail - head))
        lines: list[bytes] = []
        taken = 0
        while taken + _HEAD.size <= len(block):
            (size,) = _HEAD.unpack_from(block, taken)
            end = taken + _HEAD.size + size
            if end > len(block):
                if lines:
                    break
                if end > tail - head:
                    raise OSError(f"a line of {size} bytes, where {tail - head} were written")
                block = self._bytes(head, end)
            lines.append(block[taken + _HEAD.size : end])
            taken = end
        return lines, taken

    def close(self) -> None:
        """Gives the room on the disk back."""
        self._file.close()

    def _bytes(self, start: int, count: int) -> bytes:
        parts: list[bytes] = []
        while count > 0:
            at = start % self._size
            part = os.pread(self._file.fileno(), min(count, self._size - at), at)
            if not part:
                raise OSError("the file is shorter than what was written")
            parts.append(part)
            start, count = start + len(part), count - len(part)
        return b"".join(parts)
