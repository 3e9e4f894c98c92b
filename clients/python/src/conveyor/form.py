"""The user's JSON: from text into a type of theirs, and from a value into text."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, get_origin

import msgspec

_SURROGATE = re.compile("[\ud800-\udfff]")


def valid_text(text: str) -> str:
    """The text with U+FFFD for what has no form in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def read(text: str, form: Any) -> Any:
    """Reads JSON into `form`: a type (a dataclass, a TypedDict, list[str] ...), a model of pydantic, or
    any function that takes the parsed JSON. Unknown fields are passed over."""
    by_model: Callable[[str], Any] | None = getattr(form, "model_validate_json", None)
    if by_model is not None:
        return by_model(text)
    if isinstance(form, type) or get_origin(form) is not None or _is_typed_dict(form):
        return msgspec.json.decode(text, type=form)
    return form(json.loads(text))


def _is_typed_dict(form: Any) -> bool:
    # That of typing_extensions is no type on old versions.
    return hasattr(form, "__required_keys__")


def write(value: Any) -> str:
    """The JSON text of a value: what the json module knows, dataclasses and other types that msgspec
    knows, and models of pydantic. The text of a `msgspec.Raw` stays as it is."""
    if value is None:
        return ""
    if isinstance(value, msgspec.Raw):
        text = bytes(value).decode()
        json.loads(text)
        return text
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    return valid_text(text)


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    return msgspec.to_builtins(value)
