"""`anymask compare` on evaluations of a small collection."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def evaluated(run: Run, collections: Path) -> Path:
    """Two evaluations, a.json and b.json, with sums of every photo."""
    given = ("evaluate", "--photos", collections, "--split", collections / "split.csv")
    for name, size in (("a", "64"), ("b", "96")):
        assert run(*given, "--image-size", size, "--refine", "off", "--details", f"{name}.json").code == 0
    return Path()


def test_two_runs(run: Run, evaluated: Path) -> None:
    ended = run("compare", "a.json", "b.json", "--report", "reports/x")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[:2] == ["image_size: 64 in A, 96 in B.", "Both runs are of the same weights."]
    (row,) = [line for line in lines if line.startswith("drawn click all")]
    assert "may be chance" in row or "B is " in row or "the same" in row
    assert "…" not in ended.out
    assert len([line for line in lines if line.startswith("drawn click")]) == 1  # sizes are in the report
    report = Path("reports/x/comparison.md").read_text()
    assert "| drawn click medium |" in report
    assert "<table>" in Path("reports/x/comparison.html").read_text()


def test_without_details_nothing_is_cut(run: Run) -> None:
    """Longer than 80 columns, which is what a pipe is taken for."""
    for name, value in (("a", 0.2), ("b", 0.6)):
        figure = {"value": value, "low": value - 0.1, "high": value + 0.1}
        group = {"photos": 2, "objects": {"all": 2}, "detector's click, zoomed": {"all": figure}}
        Path(f"{name}.json").write_text(json.dumps({"groups": {"photos of many kinds": group}}))
    ended = run("compare", "a.json", "b.json")
    assert (ended.code, ended.err) == (0, "")
    (row,) = [line for line in ended.out.splitlines() if line.startswith("photos of many kinds")]
    assert " ".join(row.split()) == (
        "photos of many kinds detector's click, zoomed all 0.200 0.600 +0.400 B is better, intervals do not overlap"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.json", "none.json"), "none.json: expected what `anymask evaluate --to FILE`"),
        (("split.csv", "none.json"), "split.csv"),
        (("a.json",), "B.json"),
    ],
)
def test_wrong_files(run: Run, arguments: tuple[str, ...], said: str) -> None:
    Path("a.json").write_text('{"groups": {"all": {"box": {"all": {"value": 0.5}}}}}')
    Path("split.csv").write_text("a,b")
    ended = run("compare", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.lines[-1]
