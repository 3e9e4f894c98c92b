"""What can go wrong for good."""

from __future__ import annotations

import grpc

#: What no new try can cure, and what to do about it.
ADVICE = {
    grpc.StatusCode.INVALID_ARGUMENT: "mend the driver's name, definitions, events or labels",
    grpc.StatusCode.FAILED_PRECONDITION: "bring the server into the state that it asks for",
    grpc.StatusCode.UNAUTHENTICATED: "give the driver credentials that the server knows",
    grpc.StatusCode.PERMISSION_DENIED: "ask for the right to run this driver",
    grpc.StatusCode.UNIMPLEMENTED: "is this a Conveyor server, and not older than the driver? Check the address",
}


class RefusedError(Exception):
    """The server will not have a driver, and would not on another try."""

    def __init__(self, driver: str, server: str, code: grpc.StatusCode, said: str) -> None:
        super().__init__(f"the server at {server} refuses driver {driver}: {said} ({code.name}); {ADVICE[code]}")
        #: The driver's name, the server's address, and what the server said.
        self.driver, self.server, self.code, self.said = driver, server, code, said


class UnreachableError(ConnectionError):
    """No server answers at an address."""
