"""``anymask serve`` as somebody types it: what is wrong is told in one line, and the address is one that works."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from anymask.cli import main
from anymask.cli.serve import PORT, address_of, listen
from tests.serve.conftest import start_program


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--no-open", *arguments])
    told = capsys.readouterr().err
    assert ended.value.code == 2 and "Traceback" not in told
    return " ".join(told.split())


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str], tmp_path: Path, taken: int) -> None:
    told = refused(capsys, "--data", str(tmp_path), "--port", str(taken))
    assert f"--port: cannot listen at 127.0.0.1:{taken}" in told and "name another --port or --host" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--token", "short"), "--token: expected at least 8 printable ASCII characters without spaces"),
        (("--token", "with a space"), "--token: expected at least 8"),
        (("--token", "schlüsselwort"), "--token: expected at least 8"),
        (("--host", "no.such.name.invalid"), "--port: cannot listen at no.such.name.invalid"),
        (("--quota", "0"), "quota must be at least 1"),
        (("--port", "70000"), "less than or equal to 65535"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    assert told in refused(capsys, "--data", str(tmp_path), *arguments)


def test_without_a_port_the_next_free_one_is_taken() -> None:
    first, second = listen("127.0.0.1", None), listen("127.0.0.1", None)
    with first, second:
        ports = [each.getsockname()[1] for each in (first, second)]
    assert PORT <= ports[0] < ports[1]


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")]
)
def test_the_address_is_one_for_a_browser(host: str, shown: str) -> None:
    with listen(host, 0) as listening:
        assert address_of(listening, host) == f"http://{shown}:{listening.getsockname()[1]}/"


@pytest.mark.skipif(sys.platform == "win32", reason="all of 127.0.0.0/8 loops back on Linux")
def test_beyond_loopback_it_asks_for_a_token(tmp_path: Path) -> None:
    program = start_program(tmp_path, "--host", "0.0.0.0")
    try:
        address, _, token = program.address.partition("?token=")
        assert len(token) > 20
        assert httpx.get(f"{address}v1/health").status_code == 401
        assert httpx.get(f"{address}v1/health", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        with httpx.Client() as browser:
            assert browser.get(program.address).status_code == 303
            assert browser.get(f"{address}v1/health").status_code == 200
    finally:
        program.kill()
