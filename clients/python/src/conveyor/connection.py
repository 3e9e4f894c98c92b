"""How every connection of this package is made."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

#: Where a server listens that was told nothing else.
DEFAULT_SERVER = "http://127.0.0.1:8080"
#: The largest message taken from a server. It sends 8 MiB at most by default.
MESSAGE_BYTES = 16 << 20
# A peer that is silent for so long is asked for a sign of life, and has as long again to give it.
_KEEP_ALIVE_MS = 10_000
_CONNECT_TIMEOUT_MS = 5_000


def options(version: str) -> list[tuple[str, object]]:
    """The options of a channel. Each channel has a connection of its own."""
    return [
        ("grpc.max_receive_message_length", MESSAGE_BYTES),
        ("grpc.max_send_message_length", MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", _KEEP_ALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEP_ALIVE_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", _CONNECT_TIMEOUT_MS),
        ("grpc.max_reconnect_backoff_ms", 10_000),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.primary_user_agent", f"conveyor-python/{version}"),
    ]


def server_or_default(server: str) -> str:
    """The address that is meant: the one given, that of CONVEYOR_SERVER, or the default."""
    return server or os.environ.get("CONVEYOR_SERVER", "") or DEFAULT_SERVER


def target(server: str) -> str:
    """The host and port of a server's address."""
    why = ""
    try:
        address = urlsplit(server)
        port = address.port
    except ValueError as error:
        why = str(error)
    else:
        if address.scheme != "http":
            why = "it does not begin with http://"
        elif not address.hostname:
            why = "it names no host"
        else:
            return address.netloc if port is not None else f"{address.netloc.rstrip(':')}:80"
    raise ValueError(f"{server!r} is not the address of a server ({why}): give one like {DEFAULT_SERVER}")
