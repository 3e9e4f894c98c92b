"""New tries of calls that the server had no room for.

A server that has fallen behind refuses with `google.rpc.RetryInfo`, which says two things: nothing was done, and when
to come back. So any call may be made again, a create too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from typing import Callable, Optional, TypeVar

import grpc.aio
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from conveyor.backoff import LONGEST

# How often a call is made again, at most.
_TRIES = 5

Answer = TypeVar("Answer")


async def retried(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Makes a call, and makes it again as often as five times where the server says when to come back.

    Each wait is as long as the server says or longer, at random, so that those who were refused together do not come
    back together. `define`, `create` and `apply` do this by themselves; a generated call is wrapped:

        run = await conveyor.retried(lambda: client.runs.StartRun(request))
    """
    wait = 0.0
    for _ in range(_TRIES):
        try:
            return await call()
        except grpc.aio.AioRpcError as refused:
            least = _comes_back_in(refused)
            if least is None:
                raise
        wait = max(min(2 * wait, LONGEST), least)
        await asyncio.sleep(random.uniform(wait, 2 * wait))
    return await call()


def _comes_back_in(refused: grpc.aio.AioRpcError) -> Optional[float]:
    """When the server wants to be asked again, in seconds, if it says so."""
    for key, value in refused.trailing_metadata():
        if key == "grpc-status-details-bin":
            info = RetryInfo()
            for detail in Status.FromString(value).details:
                if detail.Unpack(info) and info.HasField("retry_delay"):
                    return float(info.retry_delay.ToTimedelta().total_seconds())
    return None
