"""What a reconcile function gives back, and how it is brought within the server's limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from conveyor import form
from conveyor.limits import Limits
from conveyor.split import clip


@dataclass
class Result:
    """How a task ended."""

    #: Whether the work succeeded. A failed result is final: the step is not tried again.
    success: bool
    #: What to tell people. Over 16 KiB it is cut.
    message: str = ""
    #: For later steps: anything with a JSON form; a `msgspec.Raw` keeps its exact text. With more than
    #: 256 KiB the result becomes a failed one.
    data: Any = None


def success(message: str = "", data: Any = None) -> Result:
    """A result of work that succeeded, with data for later steps."""
    return Result(True, message, data)


def failure(message: str, data: Any = None) -> Result:
    """A result of work that failed, with data for later steps."""
    return Result(False, message, data)


class Report(NamedTuple):
    """A result in the form that the server takes, its data as JSON text."""

    success: bool
    message: str
    data: str = ""

    @staticmethod
    def of(result: Result) -> Report:
        """Writes the data as text. It calls code of the user, so nothing may wait for it."""
        message = form.valid_text(str(result.message))
        try:
            return Report(bool(result.success), message, form.write(result.data))
        except (TypeError, ValueError) as error:
            why = form.valid_text(str(error))
            return Report(False, f"the result's data is no JSON: {why}; the work said: {message}")

    def within(self, limits: Limits) -> Report:
        """The same within the limits: a long message is cut, and data that the server would not take makes
        it a failure."""
        report, size = self, len(self.data.encode())
        if size > limits.data_bytes:
            said = f"the result's data has {size} bytes, and {limits.data_bytes} are allowed"
            report = Report(False, f"{said}; the work said: {self.message}")
        return report._replace(message=clip(report.message, limits.message_bytes))
