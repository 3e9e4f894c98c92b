"""What the server takes at most, as its Welcome says."""

from __future__ import annotations

from dataclasses import dataclass

from conveyor.v1 import driver_service_pb2 as wire

# What a Log message needs besides its lines.
_LOG_HEAD_BYTES = 256


@dataclass(frozen=True)
class Limits:
    """The server's limits, in the form that the ledger uses."""

    batch_bytes: int = 1 << 20
    batch_lines: int = 4096
    line_bytes: int = 64 << 10
    data_bytes: int = 256 << 10
    message_bytes: int = 16 << 10

    @staticmethod
    def of(said: wire.Limits) -> Limits:
        """The limits of a Welcome. What it leaves out is the documented default."""
        message = said.message_bytes or 8 << 20
        return Limits(
            batch_bytes=min(said.log_batch_bytes or 1 << 20, message - _LOG_HEAD_BYTES),
            batch_lines=said.log_batch_lines or 4096,
            line_bytes=said.log_line_bytes or 64 << 10,
            data_bytes=said.result_data_bytes or 256 << 10,
            message_bytes=said.result_message_bytes or 16 << 10,
        )
