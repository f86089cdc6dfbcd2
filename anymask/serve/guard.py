"""Who may ask, and how much: checked before anything of a request is read.

- Host must be a name of this server: a page of somebody else's that has its own name point here (DNS rebinding) is
  stopped by that.
- Origin, where a browser sends one, must be this server's: pages of others get nothing and change nothing.
- The token, where there is one, comes in the header ``Authorization: Bearer`` or in a cookie that ``/?token=`` sets.
- A body must be of a bounded size and come within a bounded time.

Every answer says that a browser may take scripts and styles from this server alone, and guess no media types.
"""

import asyncio
import contextlib
import hmac
import ipaddress
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anymask.serve.answers import problem
from anymask.serve.settings import ServeSettings

COOKIE = "anymask_token"
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
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
        elif self.settings.token and not self._knows(scope, headers):
            await self._ask_for_token(scope, receive, send_guarded)
        else:
            await self._bounded(scope, headers, receive, send_guarded)

    def _refused(self, scope: Scope, headers: Headers) -> tuple[HTTPStatus, str] | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return (
                HTTPStatus.MISDIRECTED_REQUEST,
                f"host: {', '.join(hosts) or 'none'} is no name of this server; start it with --allow-host NAME if it "
                "is to be one",
            )
        origins = headers.getlist("origin")
        if any(urlsplit(origin).netloc.lower() != hosts[0].lower() for origin in origins):
            return HTTPStatus.FORBIDDEN, f"origin: {', '.join(origins)} is another site, which may ask for nothing here"
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return "*" in self.settings.hosts or name in self.settings.hosts or loops_back(name)

    def _knows(self, scope: Scope, headers: Headers) -> bool:
        given = []
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            given.append(value.strip())
        try:
            if (cookie := SimpleCookie(headers.get("cookie", "")).get(COOKIE)) is not None:
                given.append(cookie.value)
        except CookieError:
            pass
        return any(self._same(each) for each in given)

    def _same(self, token: str) -> bool:
        """Compared in a time that tells nothing of where the difference is."""
        return hmac.compare_digest(token.encode(errors="replace"), self.settings.token.encode())

    async def _ask_for_token(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: Response
        if scope["path"] == "/" and scope["method"] == "GET":
            given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10).get("token", [])
            if len(given) == 1 and self._same(given[0]):
                answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)  # the token leaves the address bar
                answer.set_cookie(COOKIE, given[0], httponly=True, samesite="strict", max_age=30 * 24 * 3600)
                await answer(scope, receive, send)
                return
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
            await too_large(scope, receive, send)
            return
        body = Body(receive, most, self.settings.upload_seconds)
        started = False

        async def send_once(message: Message) -> None:
            nonlocal started
            if body.overrun is None or started:
                started = True
                await send(message)

        with contextlib.suppress(BodyError):
            await self.app(scope, body.receive, send_once)
        if body.overrun is not None and not started:
            late = problem(
                HTTPStatus.REQUEST_TIMEOUT,
                "RefusalError",
                f"body: expected all of it within {self.settings.upload_seconds:g} s, got less: send it again",
            )
            answer = too_large if body.overrun == "large" else late
            answer.headers["Connection"] = "close"  # what is still to come would be taken for the next request
            await answer(scope, receive, send)


class BodyError(Exception):
    """A body that is not read further."""


class Body:
    """A request's body, of which no more than ``most`` bytes are read, and nothing after ``seconds``.

    overrun: "large" or "late" once that has happened.
    """

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive, self._most = receive, most
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
        self._read += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._read > self._most:
            self.overrun = "large"
            raise BodyError
        return message


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
    return tuple(dict.fromkeys([*([host] if not loops_back(host) else []), *more]))
