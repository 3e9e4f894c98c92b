"""Cuts a child's output into lines, and lines into pieces that the server takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

# A character has up to four bytes: with a smaller limit no progress would be made.
_MOST_CHARACTER_BYTES = 4


class TextLine(NamedTuple):
    """One line, or a part of one."""

    text: str
    #: Whether the next one is the rest of it.
    goes_on: bool = False


class Splitter:
    """Turns bytes into lines as they come. It holds at most one write and one line."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = b""

    @property
    def holds(self) -> bool:
        """Whether it holds the start of a line."""
        return bool(self._left)

    def feed(self, more: bytes) -> Iterator[TextLine]:
        """Takes bytes and gives each line that is whole, or too long to wait for its end."""
        left = self._left + more if self._left else more
        whole, end, rest = left.rpartition(b"\n")
        if end:
            for line in whole.split(b"\n"):
                yield from self._line(line)
            left = rest
        # One byte more than the limit may still be the first of the end of the line.
        while len(left) > self._limit + 1:
            at = cut(left, self._limit)
            yield TextLine(_text(left[:at]), goes_on=True)
            left = left[at:]
        self._left = left

    def end(self) -> Iterator[TextLine]:
        """Gives what is left: the last line had no end."""
        left, self._left = self._left, b""
        if left:
            yield TextLine(_text(left))

    def _line(self, line: bytes) -> Iterator[TextLine]:
        line = line[:-1] if line.endswith(b"\r") else line
        while len(line) > self._limit:
            at = cut(line, self._limit)
            yield TextLine(_text(line[:at]), goes_on=True)
            line = line[at:]
        yield TextLine(_text(line))


def text_lines(text: str) -> list[str]:
    """The lines of text, without their ends. No text is one empty line."""
    if "\n" not in text and "\r" not in text:
        return [text]
    text = text[:-1] if text.endswith("\n") else text
    return [line[:-1] if line.endswith("\r") else line for line in text.split("\n")]


def pieces(text: str, limit: int) -> list[str]:
    """The text in pieces of at most so many bytes, cut between two characters."""
    if len(text) * _MOST_CHARACTER_BYTES <= limit:
        return [text]
    parts = []
    left = text.encode()
    while len(left) > max(limit, _MOST_CHARACTER_BYTES):
        at = cut(left, limit)
        parts.append(left[:at].decode())
        left = left[at:]
    return [*parts, left.decode()]


def clip(text: str, limit: int) -> str:
    """The start of the text, at most so many bytes of it."""
    return pieces(text, limit)[0]


def cut(text: bytes, limit: int) -> int:
    """How many bytes of text, `limit` at most, end between two characters; at least one."""
    limit = max(limit, _MOST_CHARACTER_BYTES)
    if len(text) <= limit:
        return len(text)
    for at in range(limit, limit - _MOST_CHARACTER_BYTES, -1):
        # Not a byte in the middle of a character.
        if text[at] & 0xC0 != 0x80:
            return at
    return limit


def _text(line: bytes) -> str:
    # U+FFFD for each longest part of a character that is none, as the Unicode Standard recommends.
    return line.decode("utf-8", "replace")
