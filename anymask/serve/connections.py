"""The connections of a server: how many there are, and how long one may take to say what it wants.

uvicorn waits for the head of a request for as long as a client likes to send it byte by byte, and takes every
connection that comes: with as many such clients as a process may have files open, nobody else is served (Slowloris).
"""

import asyncio
import logging
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from anymask.serve.settings import ServeSettings

logger = logging.getLogger(__name__)

# What one connection too many is told, before it said anything
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
)
FULL_BODY = b'{"error":{"type":"BusyError","message":"too many connections are open, and no more may be; come back"}}'


class Connection(H11Protocol):
    """One connection, which is closed where no whole head of a request came in time.

    The time counts from when it was opened, or from when the last answer was given; a body has a time of its own, see
    `Guard`, and what is left of one that was answered before it came counts as part of the next request.
    """

    most: int
    seconds: float
    late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or say that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.write(FULL % (len(FULL_BODY), FULL_BODY))
            transport.close()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request, unless it was told to go."""
        if not self.transport.is_closing():
            super().data_received(data)

    def handle_events(self) -> None:
        """What is in what came; where that is all of a head, an answer is being made, and nothing is waited for."""
        super().handle_events()
        cycle: RequestResponseCycle | None = self.cycle  # None until there is a first request
        if cycle is not None and not cycle.response_complete:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        if not self.transport.is_closing():
            self._await_head()
        super().on_response_complete()  # where the next one is there already, that is found in here

    def _await_head(self) -> None:
        self._stop_waiting()
        self.late = self.loop.call_later(self.seconds, self._close)

    def _stop_waiting(self) -> None:
        if self.late is not None:
            self.late.cancel()
            self.late = None

    def _close(self) -> None:
        logger.info("%s: no request in %g s, and is closed", self.client, self.seconds)
        self.transport.close()


def configured(app: ASGIApp, settings: ServeSettings, **more: Any) -> uvicorn.Config:
    """How uvicorn serves the app. more: its own keywords."""
    bounded = type("Bounded", (Connection,), {"most": settings.connections, "seconds": settings.head_seconds})
    # h11 bounds the bytes of what comes before a body; the other parser does not
    return uvicorn.Config(app, http=bounded, ws="none", server_header=False, **more)
