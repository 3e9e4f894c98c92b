"""A resource, as drivers are given it and as clients write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar, overload

from conveyor import form
from conveyor.v1 import resource_service_pb2 as wire

T = TypeVar("T")


@dataclass
class Resource:
    """A named object of one definition."""

    #: The name of its definition, which is its type.
    definition: str
    #: Unique among the resources of the definition.
    name: str
    #: What the drivers are to do, as the JSON text that its user wrote.
    spec_json: str = "{}"
    #: The pipeline that carries out its events. Empty: every driver that listens.
    pipeline: str = ""
    #: Key-value pairs. The server adds some of its own.
    metadata: dict[str, str] = field(default_factory=dict)
    #: The server's: a UUID, and the count of the writes, from 1.
    id: str = ""
    revision: int = 0

    @staticmethod
    def of(definition: str, name: str, spec: Any, *, pipeline: str = "") -> Resource:
        """A resource with the JSON form of `spec`."""
        return Resource(definition, name, form.write(spec), pipeline)

    @overload
    def spec(self) -> Any: ...
    @overload
    def spec(self, into: type[T]) -> T: ...
    @overload
    def spec(self, into: Callable[[Any], T]) -> T: ...
    def spec(self, into: Any = Any) -> Any:
        """Reads the spec into a type of yours: a dataclass, a TypedDict, a model of pydantic, or any function
        that takes the parsed JSON. Unknown fields are passed over."""
        return read_as(self.spec_json, into, f"the spec of {self.name}")

    @staticmethod
    def from_wire(said: wire.Resource) -> Resource:
        """What the server says of it."""
        return Resource(
            definition=said.resource,
            name=said.name,
            spec_json=said.spec_json,
            pipeline=said.pipeline,
            metadata=dict(said.metadata),
            id=said.id,
            revision=said.revision,
        )

    def to_wire(self) -> wire.Resource:
        """What is the user's to say of it."""
        return wire.Resource(
            resource=self.definition,
            name=self.name,
            pipeline=self.pipeline,
            metadata=self.metadata,
            spec_json=self.spec_json,
        )


def read_as(text: str, into: Any, what: str) -> Any:
    """Reads JSON into a type of the user's; an error says what was read."""
    try:
        return form.read(text, (lambda value: value) if into is Any else into)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{what}: {error}") from error
