"""The way of a picture through the API: sent, selected from, looked at, kept as objects, written, deleted."""

from tests.serve.conftest import Served


def test_health(served: Served) -> None:
    assert served.client.get("/v1/health").json()["status"] == "ok"


def test_a_picture_is_found_at_once(served: Served) -> None:
    image = served.image()
    assert image["state"] == "ready" and image["masks"]
