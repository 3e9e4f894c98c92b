"""What a driver says of itself, and the function that does its work."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Callable, Optional, Union

from conveyor.form import valid_text
from conveyor.result import Result
from conveyor.task import Task
from conveyor.v1.driver_service_pb2 import Message

#: Does the work of one task. A coroutine runs on the manager's event loop, and is cancelled when the work is
#: to stop; `task.cancellation` says why. A plain function runs in a thread of its own.
#:
#: None is a success without words. An exception becomes a failed result, with its trace in the log. A failed
#: result is final: the step is not tried again.
Reconcile = Callable[[Task], Union[Awaitable[Optional[Result]], Optional[Result]]]

_NAME = re.compile(r"[A-Za-z0-9-]{1,63}")
# What the lines of one task may take by default, and those of all.
_TASK_LOG_MEMORY = 8 << 20
_ALL_LOG_MEMORY = 64 << 20
_ALL_LOG_SPILL = 1 << 30


@dataclass
class Driver:
    """A driver: its name, what it listens to, and its reconcile function."""

    #: Letters, digits and "-", 1 to 63 long. Pipelines name it.
    name: str
    #: Does the work.
    reconcile: Reconcile
    #: Those whose resources without a pipeline it wants to hear of. A driver without any gets the steps of
    #: pipelines that name it.
    definitions: Sequence[str] = ()
    #: create, update, delete. None, or "*", means all but delete.
    events: Sequence[str] = ()
    #: How many tasks it takes at once, 1 to 1,000.
    slots: int = 1
    #: What it says of itself, 32 at most. Steps may ask for an instance that has them.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: Is called on the event loop with each message that is broadcast to all drivers.
    on_message: Optional[Callable[[Message], None]] = None
    #: Stops the work when the server was not heard for a whole lease, so that no other instance works on the
    #: same step meanwhile. Else a driver that is cut off works on, and its result counts if nobody else has
    #: taken the step.
    stop_at_lease_end: bool = False
    #: How many bytes of a task's log lines are kept in memory until the server has stored them. None: 8 MiB,
    #: or less with many slots: 64 MiB for all.
    log_memory: Optional[int] = None
    #: How many bytes of a task's log lines go to a temporary file where its memory is full. The file is gone
    #: with the process. When it is full too, log calls wait. None: 1 GiB for all slots; 0: no file.
    log_spill: Optional[int] = None

    def validate(self) -> None:
        """Raises ValueError that says what is wrong with the driver. The server checks the rest."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f'the driver\'s name {self.name!r} is not 1 to 63 letters, digits and "-"')
        if not callable(self.reconcile):
            raise ValueError(f"the driver {self.name} has no reconcile function")
        if not 1 <= self.slots <= 1000:
            raise ValueError(f"the driver {self.name} has {self.slots} slots, and 1 to 1,000 are allowed")
        for what in ("definitions", "events"):
            if isinstance(getattr(self, what), str):
                raise ValueError(f"the {what} of the driver {self.name} are a text, and not a list of them")
        for text in (*self.definitions, *self.events, *self.labels.keys(), *self.labels.values()):
            if not isinstance(text, str) or valid_text(text) != text:
                raise ValueError(f"the driver {self.name} names {text!r}, which is no text in UTF-8")

    @property
    def log_room(self) -> tuple[int, int]:
        """What the lines of one task may take in memory and on disk."""
        memory, spill = self.log_memory, self.log_spill
        if memory is None:
            memory = min(_TASK_LOG_MEMORY, _ALL_LOG_MEMORY // self.slots)
        if spill is None:
            spill = _ALL_LOG_SPILL // self.slots
        return memory, spill
