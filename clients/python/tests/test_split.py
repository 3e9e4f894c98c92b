"""How output becomes lines, and bytes text."""

from __future__ import annotations

import pytest

from conveyor.form import valid_text
from conveyor.split import Splitter, clip, cut, pieces, text_lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\r\n\nb\n", ["a", "", "b"]),
        ("\n", [""]),
        ("a\r", ["a"]),
        ("a\u2028b\x0bc", ["a\u2028b\x0bc"]),
    ],
)
def test_text_is_cut_at_its_line_ends(text: str, lines: list[str]) -> None:
    assert text_lines(text) == lines


def split(parts: list[bytes], limit: int) -> str:
    """What becomes of parts: each line ended by $, or by + where it goes on."""
    splitter = Splitter(limit)
    lines = [line for part in parts for line in splitter.feed(part)]
    return "".join(line.text + ("+" if line.goes_on else "$") for line in [*lines, *splitter.end()])


def test_lines_do_not_depend_on_how_the_bytes_come() -> None:
    text = "one\r\ntwo\n\nää€🦀\nmuch too long\r\nabcdefgh\r\nend".encode()
    whole = split([text], 8)
    assert whole == "one$two$$ää€+🦀$much too+ long$abcdefgh$end$"
    for size in range(1, len(text)):
        assert split([text[at : at + size] for at in range(0, len(text), size)], 8) == whole, size


def test_bytes_that_are_no_text_make_progress() -> None:
    assert split([b"\xff" * 9], 4).count("\ufffd") == 9
    assert split([b"\x80" * 9], 4).count("\ufffd") == 9
    assert split([b""], 4) == ""


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"a\xffb", "a\ufffdb"),
        (b"\xe2\x82", "\ufffd"),
        (b"\xe2\x82A", "\ufffdA"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        ("\U0001f600ok".encode(), "\U0001f600ok"),
    ],
)
def test_broken_characters_become_one_mark_each(line: bytes, text: str) -> None:
    assert split([line], 64) == text + "$"


def test_text_without_a_form_in_utf8_gets_one() -> None:
    assert valid_text("a\udcffb") == "a\ufffdb"
    assert valid_text("ä") == "ä"


@pytest.mark.parametrize(("limit", "at"), [(0, 4), (4, 4), (5, 4), (6, 4), (7, 7), (8, 8), (99, 8)])
def test_text_is_cut_between_characters(limit: int, at: int) -> None:
    assert cut("a€€b".encode(), limit) == at


def test_pieces_are_the_whole() -> None:
    text = "€" * 100
    parts = pieces(text, 32)
    assert "".join(parts) == text
    assert [len(part.encode()) for part in parts] == [30] * 10
    assert clip(text, 32) == parts[0]
