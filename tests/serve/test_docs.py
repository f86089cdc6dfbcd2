"""The walk-through of docs/serve.md, as it is written."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from anymask.outputs import OUTPUTS
from tests.conftest import ROOT
from tests.serve.conftest import Served

DOCS = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8642"


def walk_through() -> str:
    found = re.search(r"<!-- walk-through.*?-->\n```sh\n(.*?)```", DOCS, re.DOTALL)
    assert found is not None
    return found[1]


def has_json_option() -> bool:
    curl = shutil.which("curl")
    return (
        curl is not None and "--json" in subprocess.run([curl, "--help", "all"], capture_output=True, text=True).stdout
    )


@pytest.mark.skipif(shutil.which("bash") is None or not has_json_option(), reason="needs bash, and curl from 7.82 on")
def test_the_walk_through_runs(served: Served, astronaut: Path, tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    shutil.copy(astronaut, tmp_path / "examples")
    script = walk_through().replace(ADDRESS, served.address.rstrip("/"))
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "looked.json").read_text())["masks"]
    assert json.loads((tmp_path / "helmet.coco.json").read_text())["annotations"][0]["area"] > 10_000
    with Image.open(tmp_path / "helmet.png") as cutout, Image.open(tmp_path / "every.png") as overlay:
        assert (cutout.mode, overlay.size) == ("RGBA", (512, 512))
    assert '"label":"a helmet"' in done.stdout and done.stdout.count('"deleted":false') == 2
    assert served.client.get("/v1/images").json()["images"] == []


def test_every_address_is_told(served: Served) -> None:
    for path in served.client.get("/openapi.json").json()["paths"]:
        told = path.replace("{image}", "{id}").partition("/{object}")[0]
        assert told in DOCS, path


def test_every_format_has_a_media_type_that_can_be_asked_for(served: Served) -> None:
    image = served.image()["id"]
    for name, output in OUTPUTS.items():
        answer = served.client.get(f"/v1/images/{image}/export", params={"format": name, "of": "masks"})
        assert answer.headers["content-type"].partition(";")[0] == output.media_type
        assert answer.headers["content-disposition"] == f'attachment; filename="picture{output.suffix}"'
