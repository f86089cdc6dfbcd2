"""Nobody gets in who may not, and nobody sends more than may be."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from anymask.serve.guard import SECURITY_HEADERS, allowed_hosts
from tests.serve.conftest import Served, png
from tests.serve.raw import Answer, ask, connect, read

Serve = Callable[..., Served]
TOKEN = "a+token/of=ours"
HEALTH = "GET /v1/health HTTP/1.1"


def authority(served: Served) -> str:
    return urlsplit(served.address).netloc


def port(served: Served) -> str:
    return authority(served).rpartition(":")[2]


def is_guarded(answer: Answer) -> bool:
    """Whether it has every header that the guard sets, once, and none that lets others in."""
    given = {name.lower(): [value] for name, value in SECURITY_HEADERS.items()}
    allows = [name for name, _ in answer.headers if name.startswith("access-control-")]
    return not allows and all(answer.all(name) == value for name, value in given.items())


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["127.0.0.1:PORT"], 200),
        (["127.0.0.1"], 200),
        (["127.8.9.10:1"], 200),
        (["localhost:PORT"], 200),
        (["LocalHost:PORT"], 200),
        (["[::1]:PORT"], 200),
        (["[0:0:0:0:0:0:0:1]"], 200),
        ([], 400),  # the HTTP library itself refuses it
        ([""], 421),
        (["evil.example"], 421),
        (["evil.example:PORT"], 421),
        (["localhost.:PORT"], 421),
        (["localhost.evil.example"], 421),
        (["127.0.0.1.evil.example"], 421),
        (["evil@localhost:PORT"], 421),
        (["evil.example:80@127.0.0.1:PORT"], 421),
        (["127.0.0.1:PORT@evil.example"], 421),
        (["localhost/"], 421),
        (["localhost#"], 421),
        (["localhost:PORT, evil.example"], 421),
        (["[::1"], 421),
        (["[::1]evil"], 421),
        (["[::1%25eth0]"], 421),
        (["[2001:db8::1]"], 421),
        (["::1"], 421),
        (["127.1"], 421),
        (["2130706433"], 421),
        (["0.0.0.0:PORT"], 421),
        (["localhost:99999999"], 421),
        (["l\xf6calhost"], 421),
        (["127.0.0.1:PORT", "evil.example"], 400),
        (["127.0.0.1:PORT", "127.0.0.1:PORT"], 400),
    ],
)
def test_host(served: Served, hosts: list[str], status: int) -> None:
    lines = [f"Host: {host.replace('PORT', port(served))}" for host in hosts]
    answer = ask(served.address, HEALTH, *lines)
    assert answer.status == status
    if status == 421:
        assert is_guarded(answer) and answer.json()["error"]["message"].startswith("host: ")


def test_further_hosts(serve: Serve) -> None:
    served = serve(hosts=allowed_hosts("0.0.0.0", ["My-PC.lan", "[2001:DB8::1]"]))
    for host, status in {"my-pc.lan:1": 200, "MY-PC.LAN": 200, "[2001:db8::1]:8642": 200, "pc.lan": 421}.items():
        assert served.client.get("/v1/health", headers={"Host": host}).status_code == status
    served = serve(hosts=("*",))
    assert served.client.get("/v1/health", headers={"Host": "any.example"}).status_code == 200
    assert served.client.get("/v1/health", headers={"Host": "a@any.example"}).status_code == 421


@pytest.mark.parametrize(
    ("origins", "status"),
    [
        ([], 200),
        (["http://127.0.0.1:PORT"], 200),
        (["HTTP://127.0.0.1:PORT"], 200),
        (["https://127.0.0.1:PORT"], 200),  # a proxy in front of it speaks TLS
        (["null"], 403),
        ([""], 403),
        (["http://evil.example"], 403),
        (["http://localhost:PORT"], 403),  # another name is another site
        (["http://127.0.0.1:1"], 403),
        (["http://127.0.0.1"], 403),
        (["http://evil@127.0.0.1:PORT"], 403),
        (["http://127.0.0.1:PORT/path"], 403),
        (["file://127.0.0.1:PORT"], 403),
        (["http://[::1"], 403),  # once a 500
        (["chrome-extension://abcdef"], 403),
        (["http://127.0.0.1:PORT http://evil.example"], 403),
        (["http://127.0.0.1:PORT", "http://evil.example"], 403),
    ],
)
def test_origin(served: Served, origins: list[str], status: int) -> None:
    lines = [f"Origin: {origin.replace('PORT', port(served))}" for origin in origins]
    for first in (HEALTH, "GET /nothing HTTP/1.1", "OPTIONS /v1/images HTTP/1.1", "DELETE /v1/images/1 HTTP/1.1"):
        answer = ask(served.address, first, f"Host: {authority(served)}", *lines)
        assert is_guarded(answer)
        assert (answer.status == 403) == (status == 403)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([f"Authorization: Bearer {TOKEN}"], 200),
        ([f"authorization: bearer   {TOKEN}"], 200),
        ([f"Authorization: Basic {TOKEN}"], 401),
        ([f"Authorization: {TOKEN}"], 401),
        (["Authorization: Bearer"], 401),
        (["Authorization: Bearer "], 401),
        ([f"Authorization: Bearer {TOKEN}x"], 401),
        ([f"Authorization: Bearer {TOKEN[:-1]}"], 401),
        (["Authorization: Bearer \xe9\xff"], 401),
        ([f"Cookie: anymask_token={TOKEN}"], 200),
        ([f'Cookie: anymask_token="{TOKEN}"'], 200),
        ([f"Cookie: a=1; {{'odd': [1]}}; b=\xe9; anymask_token={TOKEN}; c"], 200),  # of other programs at this host
        (["Cookie: anymask_token="], 401),
        (["Cookie: anymask_token"], 401),
        (["Cookie: anymask_token=\xe9"], 401),
        ([f"Cookie: other={TOKEN}"], 401),
        (["Cookie: " + ";" * 5000], 401),
    ],
)
def test_token(serve: Serve, headers: list[str], status: int) -> None:
    served = serve(token=TOKEN)
    answer = ask(served.address, HEALTH, f"Host: {authority(served)}", *headers)
    assert answer.status == status and is_guarded(answer)
    assert answer.all("www-authenticate") == (["Bearer"] if status == 401 else [])
    assert TOKEN not in str(answer.headers) and TOKEN.encode() not in answer.body


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/?token=a%2Btoken/of%3Dours", 303),
        ("/?x=1&token=a%2Btoken%2Fof%3Dours", 303),
        ("/", 401),
        ("/?token=", 401),
        ("/?token=wrong", 401),
        ("/?token=%ff%fe", 401),
        ("/?token=a%2Btoken/of%3Dours&token=a%2Btoken/of%3Dours", 401),
        ("/?token=a%2Btoken/of%3Dours" + "&a=1" * 20, 401),  # once a 500
        ("/v1/health?token=a%2Btoken/of%3Dours", 401),
        ("/v1/images?token=a%2Btoken/of%3Dours", 401),
        ("//?token=a%2Btoken/of%3Dours", 401),
    ],
)
def test_token_in_an_address(serve: Serve, target: str, status: int) -> None:
    served = serve(token=TOKEN)
    answer = ask(served.address, f"GET {target} HTTP/1.1", f"Host: {authority(served)}")
    assert answer.status == status and is_guarded(answer)
    if status == 303:
        assert answer.all("location") == ["/"]
        (cookie,) = answer.all("set-cookie")
        assert "httponly" in cookie.lower() and "samesite=strict" in cookie.lower()


def test_token_in_an_address_once_then_a_cookie(serve: Serve) -> None:
    served = serve(token=TOKEN)
    opened = served.client.get("/", params={"token": TOKEN})
    assert opened.status_code == 303
    for _ in range(2):
        assert served.client.get("/v1/health").status_code == 200
    # With the cookie too the token leaves the address bar
    assert served.client.get("/", params={"token": TOKEN}).headers["location"] == "/"
    assert served.client.post("/", params={"token": TOKEN}).status_code != 303


def test_every_answer_is_guarded(served: Served) -> None:
    image = served.image()["id"]
    for method, path, status in [
        ("GET", "/v1/health", 200),
        ("GET", "/metrics", 200),
        ("GET", "/openapi.json", 200),
        ("GET", f"/v1/images/{image}", 200),
        ("GET", f"/v1/images/{image}/picture", 200),
        ("GET", f"/v1/images/{image}/export", 200),
        ("HEAD", "/v1/health", 405),
        ("OPTIONS", "/v1/images", 405),
        ("TRACE", "/v1/images", 405),
        ("PROPFIND", "/v1/images", 405),
        ("GET", "/v1/images/x", 422),
        ("GET", "/v1/images/" + "0" * 32, 404),
        ("GET", "/docs", 404),
        ("GET", "/nothing", 404),
        ("POST", "/v1/images", 422),
        ("DELETE", f"/v1/images/{image}", 204),
    ]:
        answer = ask(served.address, f"{method} {path} HTTP/1.1", f"Host: {authority(served)}", "Connection: close")
        assert (method, path, answer.status) == (method, path, status)
        assert is_guarded(answer), path


def test_a_websocket_is_no_way_in(served: Served) -> None:
    answer = ask(
        served.address, "GET /v1/health HTTP/1.1", "Host: evil.example", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )  # fmt: skip
    assert answer.status == 421


# Bodies

MIB = 2**20
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def upload(served: Served, *lines: str, body: bytes = b"") -> Answer:
    kind = "Content-Type: multipart/form-data; boundary=b"
    return ask(served.address, "POST /v1/images HTTP/1.1", f"Host: {authority(served)}", kind, *lines, body=body)


@pytest.mark.parametrize("length", [2 * MIB, 2 * 2**30, 10**19])
@pytest.mark.parametrize("expect", [[], ["Expect: 100-continue"]])
def test_a_body_that_says_it_is_too_large_is_not_read(serve: Serve, length: int, expect: list[str]) -> None:
    served = serve(upload_bytes=MIB, json_bytes=MIB)
    answer = upload(served, f"Content-Length: {length}", *expect)
    assert answer.status == 413 and is_guarded(answer)
    assert answer.all("connection") == ["close"]


def test_a_body_that_turns_out_too_large(serve: Serve) -> None:
    served = serve(upload_bytes=MIB, json_bytes=MIB)
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    assert (
        upload(served, "Transfer-Encoding: chunked", body=b"%x\r\n%b\r\n" % (len(PART), PART) + chunk * 40).status
        == 413
    )
    answer = ask(
        served.address, f"POST /v1/images/{'0' * 32}/select HTTP/1.1", f"Host: {authority(served)}",
        "Content-Type: application/json", "Transfer-Encoding: chunked", body=chunk * 40,
    )  # fmt: skip
    assert answer.status == 413 and is_guarded(answer)
    assert served.client.get("/v1/health").status_code == 200


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "0x10", "1, 2", "", "1_000"])
def test_a_length_that_is_none(served: Served, length: str) -> None:
    assert upload(served, f"Content-Length: {length}").status == 400


def test_two_ways_to_say_a_length(served: Served) -> None:
    # The chunks count (RFC 9112, 6.3), and what follows them is another request: one without a Host
    answer = upload(served, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    assert answer.status in (400, 422)


@pytest.mark.parametrize("lines", [["Content-Length: 1000"], ["Transfer-Encoding: chunked"]])
@pytest.mark.parametrize("path", ["/v1/images", f"/v1/images/{'0' * 32}/select"])
def test_a_slow_body(serve: Serve, lines: list[str], path: str) -> None:
    served = serve(upload_seconds=0.5)
    began = time.monotonic()
    with connect(served.address) as stream:
        kind = "multipart/form-data; boundary=b" if path == "/v1/images" else "application/json"
        head = [f"POST {path} HTTP/1.1", f"Host: {authority(served)}", f"Content-Type: {kind}", *lines, "", "--b"]
        stream.sendall("\r\n".join(head[:-1]).encode() + b"\r\n" + (b"" if "chunked" in lines[0] else b"--b"))
        answer = read(stream)
    assert answer.status == 408 and is_guarded(answer)
    assert "0.5 s" in answer.json()["error"]["message"]
    assert time.monotonic() - began < 20  # and not for ever


def test_a_body_shorter_than_it_says(served: Served) -> None:
    with connect(served.address) as stream:
        stream.sendall(
            f"POST /v1/images HTTP/1.1\r\nHost: {authority(served)}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b".encode()
        )
    assert served.client.get("/v1/health").status_code == 200


def test_expect_continue(served: Served) -> None:
    form = httpx.Request("POST", served.address, files={"file": ("a.png", png())})
    body = form.read()
    with connect(served.address) as stream:
        head = [
            "POST /v1/images?image_size=160 HTTP/1.1", f"Host: {authority(served)}", "Expect: 100-continue",
            f"Content-Type: {form.headers['content-type']}", f"Content-Length: {len(body)}",
        ]  # fmt: skip
        stream.sendall("\r\n".join([*head, "", ""]).encode())
        assert stream.recv(100).startswith(b"HTTP/1.1 100")
        stream.sendall(body)
        assert read(stream).status == 201


def test_more_bodies_at_once_than_are_held(serve: Serve) -> None:
    served = serve(upload_bytes=2 * MIB, bodies_bytes=MIB)  # the least is one upload
    head = (
        f"POST /v1/images HTTP/1.1\r\nHost: {authority(served)}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {2 * MIB}\r\n\r\n"
    ).encode()
    with connect(served.address) as first, connect(served.address) as second:
        first.sendall(head + PART + bytes(MIB + MIB // 2))
        time.sleep(0.3)
        second.sendall(head + PART + bytes(MIB))
        answer = read(second)
        assert answer.status == 503 and answer.all("retry-after") and is_guarded(answer)
    time.sleep(0.3)
    assert served.send(png()).status_code == 201  # what was held is given back


def test_the_head_of_a_request_is_bounded(served: Served) -> None:
    many = [f"X-{number}: {'x' * 1000}" for number in range(1000)]
    for lines in (["X: " + "x" * 10**6], many):
        assert ask(served.address, HEALTH, f"Host: {authority(served)}", *lines).status in (400, 431)
    assert ask(served.address, "GET /" + "x" * 10**6 + " HTTP/1.1", f"Host: {authority(served)}").status in (400, 414)
