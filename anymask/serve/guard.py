"""Who may ask, and how much: checked before anything of a request is read.

- Host must be a name of this server: a page of somebody else's that has its own name point here (DNS rebinding) is
  stopped by that.
- Origin, where a browser sends one, must be this server's: pages of others get nothing and change nothing.
- The token, where there is one, comes in the header ``Authorization: Bearer`` or in a cookie that ``/?token=`` sets.
- A body must be of a bounded size and come within a bounded time.

Every answer says that a browser may take scripts and styles from this server alone, and guess no media types.
"""

import asyncio
import hmac
import ipaddress
import logging
import re
import time
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anymask.serve.answers import fault, problem
from anymask.serve.settings import ServeSettings

logger = logging.getLogger(__name__)

COOKIE = "anymask_token"
HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")  # nothing before an @, and no zone
UPLOAD = "/v1/images"

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """The outermost layer: refuses what must not reach the app, and bounds what does."""

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self.app, self.settings = app, settings
        self.held = Held(max(settings.bodies_bytes, settings.upload_bytes + FORM))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # there are none here, and nothing after this checks one
            return
        headers = Headers(scope=scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        refused = self._refused(scope, headers)
        if refused is not None:
            status, reason = refused
            await problem(status, "RefusalError", reason)(scope, receive, send_guarded)
        elif self.settings.token and self._opens(scope):
            await self._let_in(scope, receive, send_guarded)
        elif self.settings.token and not self._knows(headers):
            await self._ask_for_token(scope, receive, send_guarded)
        else:
            await self._bounded(scope, headers, receive, send_guarded)

    def _refused(self, scope: Scope, headers: Headers) -> tuple[HTTPStatus, str] | None:
        hosts = [host.lower() for host in headers.getlist("host")]
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return (
                HTTPStatus.MISDIRECTED_REQUEST,
                f"host: {', '.join(hosts) or 'none'} is no name of this server; start it with --allow-host NAME if it "
                "is to be one",
            )
        origins = headers.getlist("origin")
        if any(origin.lower() not in (f"http://{hosts[0]}", f"https://{hosts[0]}") for origin in origins):
            return HTTPStatus.FORBIDDEN, f"origin: {', '.join(origins)} is another site, which may ask for nothing here"
        return None

    def _is_ours(self, host: str) -> bool:
        match = HOST.fullmatch(host)
        if match is None:
            return False
        name = match["name"].strip("[]")
        return "*" in self.settings.hosts or name in self.settings.hosts or loops_back(name)

    def _knows(self, headers: Headers) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        given = [value.strip()] if scheme.lower() == "bearer" else []
        # Not with SimpleCookie, which reads nothing behind what it does not understand: a browser sends the cookies of
        # every other program that is at another port of this host
        given += [
            value for each in headers.getlist("cookie") for name, value in cookie_parser(each).items() if name == COOKIE
        ]
        return any(self._same(each) for each in given)

    def _same(self, token: str) -> bool:
        """Compared in a time that tells nothing of where the difference is."""
        return hmac.compare_digest(token.encode(errors="replace"), self.settings.token.encode())

    def _opens(self, scope: Scope) -> bool:
        """Whether this is the address that the server printed, token and all, opened in a browser."""
        if scope["path"] != "/" or scope["method"] != "GET":
            return False
        try:
            given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10).get("token", [])
        except ValueError:  # more fields than that
            return False
        return len(given) == 1 and self._same(given[0])

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)  # the token leaves the address bar
        token = self.settings.token
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", max_age=30 * 24 * 3600)
        answer.headers["Cache-Control"] = "no-store"
        await answer(scope, receive, send)

    async def _ask_for_token(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = problem(
            HTTPStatus.UNAUTHORIZED,
            "RefusalError",
            "token: expected the one that the server printed when it started, as 'Authorization: Bearer TOKEN', or the "
            "address it printed opened in this browser; got none or another",
        )
        answer.headers["WWW-Authenticate"] = "Bearer"
        await answer(scope, receive, send)

    async def _bounded(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Pass a request on, and read no more of its body than may be: 413 where it is larger, 408 where it is late."""
        is_upload = scope["path"] == UPLOAD
        most = self.settings.upload_bytes + FORM if is_upload else self.settings.json_bytes
        too_large = problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "TooLargeError",
            f"body: expected at most {most} bytes, got more: make it smaller"
            + (", or start the server with a larger --max-upload" if is_upload else ""),
        )
        try:
            declared = int(headers.get("content-length", "0"))
        except ValueError:
            declared = most + 1
        if declared > most:
            too_large.headers["Connection"] = "close"
            await too_large(scope, receive, send)
            return
        body = Body(receive, most, self.settings.upload_seconds, self.held)
        started = False

        async def send_once(message: Message) -> None:
            nonlocal started
            if body.overrun is None or started:
                started = True
                await send(message)

        try:
            await self.app(scope, body.receive, send_once)
        except BodyError:
            pass
        except Exception:
            logger.exception("%s %s", scope["method"], scope["path"])
            if started:
                raise  # what the client got is no whole answer, and the server that runs this ends the connection
            await fault()(scope, receive, send)
            return
        finally:
            body.release()
        if body.overrun is not None and not started:
            late = problem(
                HTTPStatus.REQUEST_TIMEOUT,
                "RefusalError",
                f"body: expected all of it within {self.settings.upload_seconds:g} s, got less: send it again",
            )
            busy = problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "BusyError",
                "body: too much is being sent at once; come back",
                headers={"Retry-After": "2"},
            )
            answer = {"large": too_large, "late": late, "busy": busy}[body.overrun]
            answer.headers["Connection"] = "close"  # what is still to come would be taken for the next request
            await answer(scope, receive, send)


class BodyError(Exception):
    """A body that is not read further."""


class Held:
    """The bytes of all bodies that requests hold now, and how many there may be."""

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0


class Body:
    """A request's body, of which no more than ``most`` bytes are read, and nothing after ``seconds``.

    overrun: "large" or "late" once that has happened, "busy" where all requests together hold too much.
    """

    def __init__(self, receive: Receive, most: int, seconds: float, held: Held) -> None:
        self._receive, self._most, self._held = receive, most, held
        self._until = time.monotonic() + seconds
        self._read = 0
        self._whole = False
        self.overrun: str | None = None

    async def receive(self) -> Message:
        """The next message, as ASGI's receive. Raises BodyError."""
        if self._whole:
            return await self._receive()  # whether the client is still there, for as long as the answer takes
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + self._until - time.monotonic()):
                message = await self._receive()
        except TimeoutError as error:
            self.overrun = "late"
            raise BodyError from error
        came = len(message.get("body", b""))
        self._read += came
        self._held.bytes += came
        self._whole = not message.get("more_body", False)
        if self._read > self._most or self._held.bytes > self._held.most:
            self.overrun = "large" if self._read > self._most else "busy"
            raise BodyError
        return message

    def release(self) -> None:
        """The request is over."""
        self._held.bytes -= self._read
        self._read = 0


FORM = 64 * 1024  # bytes of an upload's form beside the file


def loops_back(name: str) -> bool:
    """Whether a host name without port is this machine's own, for programs on it."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def allowed_hosts(host: str, more: Sequence[str]) -> tuple[str, ...]:
    """The names that a server bound to ``host`` has, beside those that loop back."""
    return tuple(dict.fromkeys(name.lower().strip("[]") for name in [*([host] if not loops_back(host) else []), *more]))
