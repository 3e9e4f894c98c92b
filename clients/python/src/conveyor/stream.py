"""One stream of a driver instance: opens it, speaks until it ends, and says how it ended.

gRPC takes the messages to send from a thread of its own (`_requests`), what arrives is read in another
(`_read`), and the session's thread beats. All wait on the session's condition.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Optional

import grpc

from conveyor import connection
from conveyor.ledger import seconds
from conveyor.v1 import driver_service_pb2 as wire
from conveyor.v1.driver_service_pb2_grpc import DriverServiceStub
from conveyor.version import VERSION

if TYPE_CHECKING:
    from conveyor.session import Session

# How many seconds a stream may take from the connection to the Welcome.
_OPEN_TIMEOUT = 10.0
# How many seconds the server may take to end a stream that this side has closed.
_CLOSE_TIMEOUT = 5.0
# What a server that names no heartbeat period means, in seconds.
_DEFAULT_PERIOD = 10.0


class StreamEnd(Exception):
    """How a stream ended: by the other side or the network, and a new one is due."""


class Drained(StreamEnd):
    """Nothing is left to tell the server."""


class Stream:
    """One stream. Each has a connection of its own: what ailed the last one is left behind."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._channel = grpc.insecure_channel(connection.target(session.server), connection.options(VERSION))
        self._call: Optional[grpc._CallIterator[wire.DriverStreamResponse]] = None
        self._reader: Optional[threading.Thread] = None
        self.period = _DEFAULT_PERIOD
        self._heard_at = 0.0
        # Messages of a kind that this version does not know.
        self._unknown = 0
        self._welcome: Optional[wire.Welcome] = None
        # The rest is guarded by the session's lock. How it ended, once it has.
        self._end: Optional[Exception] = None
        # Set when its welcome is in the ledger, when this side has nothing more to say, and when it is left.
        self.greeted = False
        self.closing = False
        self.closed = False

    def open(self, hello: wire.Hello) -> wire.Welcome:
        """Connects, says hello and waits for the Welcome. What comes before it is skipped."""
        self._call = DriverServiceStub(self._channel).DriverStream(self._requests(hello))
        self._reader = threading.Thread(target=self._read, name="conveyor-read", daemon=True)
        self._reader.start()
        with self._session.changed:
            self._session.changed.wait_for(
                lambda: self._welcome is not None or self._end is not None or self._session.ledger.is_drained,
                _OPEN_TIMEOUT,
            )
            if self._welcome is None and self._session.ledger.is_drained:
                raise Drained
            if self._end is not None:
                raise self._end
            if self._welcome is None:
                raise StreamEnd("the server does not answer")
        self.period = seconds(self._welcome.heartbeat_period)
        if self.period <= 0:
            self.period = _DEFAULT_PERIOD
        return self._welcome

    def converse(self) -> None:
        """Keeps the heartbeat going and watches whether the server is heard, until the stream ends: always
        with an exception."""
        now = time.monotonic()
        beat_at, closed_at = now + self.period, float("inf")
        while True:
            due = min(beat_at, self._heard_at + 2 * self.period, closed_at) - now
            with self._session.changed:
                # Every change of these is told; the loop looks again.
                if self._end is None and (not self.closing or closed_at != float("inf")):
                    self._session.changed.wait(max(due, 0))
                if self._end is not None:
                    raise Drained if self.closing else self._end
            now = time.monotonic()
            if self.closing and closed_at == float("inf"):
                closed_at = now + _CLOSE_TIMEOUT
            if now >= closed_at:
                raise Drained
            if now - self._heard_at >= 2 * self.period:
                raise StreamEnd("the server is silent")
            if now >= beat_at:
                beat_at = max(beat_at + self.period, now)
                self._session.beat()

    def close(self) -> None:
        """Leaves the stream, and what still arrives on it."""
        with self._session.changed:
            self.closed = True
            self._session.changed.notify_all()
        if self._call is not None:
            self._call.cancel()
        self._channel.close()
        if self._reader is not None:
            self._reader.join()
        if self._unknown > 1:
            self._session.log.info("skipped %d messages of unknown kinds on this stream", self._unknown)

    def _requests(self, hello: wire.Hello) -> Iterator[wire.DriverStreamRequest]:
        yield wire.DriverStreamRequest(hello=hello)
        while True:
            message = self._session.next_message(self)
            if message is None:
                return
            yield message

    def _read(self) -> None:
        """Takes what the server sends, until the stream ends."""
        end: Exception = StreamEnd("the server ended the stream")
        try:
            assert self._call is not None
            for message in self._call:
                self._heard_at = time.monotonic()
                if not self._take(message):
                    break
        except Exception as error:
            end = error
        with self._session.changed:
            self._end = end
            self._session.changed.notify_all()

    def _take(self, message: wire.DriverStreamResponse) -> bool:
        """Takes one message, and waits until there is room for the next. False: the stream was left."""
        session = self._session
        kind = message.WhichOneof("kind")
        with session.changed:
            if self._welcome is None:
                if kind == "welcome":
                    self._welcome = message.welcome
                    session.changed.notify_all()
                # What follows counts from when the session has taken the Welcome.
                session.changed.wait_for(lambda: self._welcome is None or self.greeted or self.closed)
                return not self.closed
        if kind is None:
            self._unknown += 1
            if self._unknown == 1:
                session.log.info("skips a kind of message that it does not know: is the server newer?")
        elif kind == "message":
            session.tell(message.message)
        else:
            session.receive(self, message)
        with session.changed:
            session.changed.wait_for(lambda: session.ledger.can_receive or self.closed)
            return not self.closed
