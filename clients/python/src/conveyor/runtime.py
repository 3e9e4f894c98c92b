"""The words of Conveyor CI's Python SDK (`conveyor.runtime`), so that a driver written for it needs an edit or
two. docs/porting-a-driver.md shows which.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Optional

from conveyor import logger
from conveyor.driver import Driver as _Driver
from conveyor.manager import Manager
from conveyor.result import Result as DriverResult
from conveyor.task import Task

__all__ = ["Driver", "DriverLogger", "DriverManager", "DriverResult"]


class DriverLogger:
    """The log of a task, written to with labels."""

    def __init__(self, log: logger.Logger) -> None:
        #: The same as this package has it.
        self.logger = log

    async def log(self, labels: dict[str, Any], message: str) -> None:
        """Writes lines with labels."""
        self.logger.with_labels(**labels).line("driver", message)


class Driver(ABC):
    """A driver as a class: a name, the definitions it listens to, and its reconcile method."""

    def __init__(self, name: str, resources: list[str]) -> None:
        self.name = name
        self.resources = resources

    @abstractmethod
    async def reconcile(
        self, payload: str, event: str, run_id: str, driver_logger: DriverLogger
    ) -> Optional[DriverResult]:
        """Does the work of one task: the resource as JSON, the event, the run's id, and the log."""


class DriverManager(Manager):
    """A manager of one such driver that listens to these events, for the server that CONVEYOR_SERVER names.
    What else it was given, connections to NATS and Loki, has no use here."""

    def __init__(self, driver: Driver, events: Sequence[str], *_connections: object) -> None:
        async def reconcile(task: Task) -> Optional[DriverResult]:
            return await driver.reconcile(_payload(task), task.event, task.run_id, DriverLogger(task.log))

        super().__init__("", _Driver(driver.name, reconcile, definitions=driver.resources, events=events))

    async def shutdown(self) -> None:
        """Drains, and lets `run` return."""
        self.stop()


def _payload(task: Task) -> str:
    """The resource in its documented form, its spec as it was written."""
    resource = task.resource
    head = {"id": resource.id, "name": resource.name, "resource": resource.definition, "metadata": resource.metadata}
    if resource.pipeline:
        head["pipeline"] = resource.pipeline
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "spec": {resource.spec_json}}}'
