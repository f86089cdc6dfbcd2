"""The program as a whole, in processes of its own: help, version, streams and signals."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from anymask import __version__
from anymask.fastsam.archive import write_archive
from anymask.models import default_weights, weights_hash

Run = Callable[..., Any]
Start = Callable[..., "subprocess.Popen[bytes]"]

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="pipes, signals and terminals of POSIX")


def test_version_tells_the_hash_of_the_weights(process: Run) -> None:
    ended = process("--version")
    digest = weights_hash(default_weights())
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert ended.out.split() == ["anymask", __version__, "weights", "default", f"sha256:{digest}"]
    assert (ended.code, ended.err) == (0, "")


def test_help_tells_the_commands(run: Run) -> None:
    ended = run("--help")
    assert ended.code == 0
    assert all(
        re.search(rf"^  {command} ", ended.out, re.MULTILINE)
        for command in ("segment", "train", "evaluate", "export", "data")
    )


@pytest.mark.parametrize("command", ["segment", "train", "evaluate", "export", "data"])
def test_every_command_and_option_is_explained(run: Run, command: str) -> None:
    ended = run(command, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    options = re.findall(r"^  (?:-\w, )?--[\w-]+(?: [^ ]+)?(.*)$", ended.out, re.MULTILINE)
    assert len(options) >= 4
    assert "<" not in ended.out.partition("Options:")[2].replace("0<=x<=1", "")  # every value has a name, not a type


@pytest.mark.parametrize("arguments", [[], ["segment"], ["nonsense"], ["--nonsense"], ["export"], ["data"]])
def test_wrong_use_ends_with_2(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert "Usage: " in ended.out + ended.err


def test_wrong_use_of_the_process(process: Run) -> None:
    ended = process("segment", "photo.png", "--format", "jpg")
    assert ended.code == 2 and ended.out == ""
    assert "expected one or more of coco, png, overlay, cutout, svg, recipe, got 'jpg'" in ended.lines[-1]


def test_standard_input(process: Run, photo: Image.Image) -> None:
    photo.save("photo.png")
    ended = process("segment", "-", "photo.png", "--image-size", "64", stdin=Path("photo.png").read_bytes())
    assert ended.code == 0
    first, second = ended.lines
    assert first.startswith("-: ") and second.startswith("photo.png: ")
    documents = [json.loads(Path(f"masks/{stem}.coco.json").read_text()) for stem in ("stdin", "photo")]
    assert [document["images"][0].pop("file_name") for document in documents] == ["stdin", "photo.png"]
    assert documents[0] == documents[1]


@pytest.mark.parametrize(("stdin", "said"), [(b"", "is empty"), (b"no picture", "is not a picture")])
def test_a_bad_standard_input_is_refused_and_the_others_are_done(
    process: Run, photo: Image.Image, stdin: bytes, said: str
) -> None:
    photo.save("photo.png")
    ended = process("segment", "-", "photo.png", "--image-size", "64", "--json", stdin=stdin)
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith(f"anymask: standard input: {said}")
    assert json.loads(ended.out)["photo"] == "photo.png"


def test_without_a_terminal_there_are_only_lines(process: Run, photo: Image.Image) -> None:
    for name in ("a.png", "b.png"):
        photo.save(name)
    ended = process("segment", "a.png", "missing.png", "b.png", "--image-size", "64")
    assert ended.code == 1 and ended.out == ""
    assert [line.partition(".png: ")[0] for line in ended.lines] == ["a", "anymask: missing", "b"]
    assert "\x1b" not in ended.err and "\r" not in ended.err.replace("\r\n", "\n")


@posix_only
def test_on_a_terminal_the_bar_takes_no_json(photo: Image.Image) -> None:
    import pty

    for name in ("a.png", "b.png"):
        photo.save(name)
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "anymask",
        "segment",
        "a.png",
        "b.png",
        "missing.png",
        "--image-size",
        "64",
        "--json",
    ]
    environment = {**os.environ, "TERM": "xterm", "PYTHONUTF8": "1"}
    with Path("out.jsonl").open("wb") as stream:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # Linux reports the end of a terminal as an error
        pass
    finally:
        os.close(ours)
    assert running.wait(60) == 1
    assert b"segmenting" in shown and b"anymask: missing.png: " in shown
    lines = Path("out.jsonl").read_text().splitlines()
    assert [json.loads(line)["photo"] for line in lines] == ["a.png", "b.png"]
    assert b'"photo"' not in shown


@posix_only
def test_a_reader_that_leaves_is_no_traceback(start: Start, photo: Image.Image) -> None:
    names = [f"{index}.png" for index in range(6)]
    for name in names:
        photo.save(name)
    running = start("segment", *names, "--image-size", "320", "--score", "0", "--json")
    assert running.stdout is not None and running.stderr is not None and running.stdin is not None
    assert running.stdout.read(10) == b'{"photo": '
    running.stdout.close()
    said = running.stderr.read().decode()
    assert running.wait(60) == 1
    running.stderr.close()
    running.stdin.close()
    assert said == ""


@posix_only
def test_an_interrupt_ends_it_with_130(start: Start, photo: Image.Image) -> None:
    photo.save("photo.png")
    running = start("segment", "photo.png", "-", "--image-size", "64")
    assert running.stdout is not None and running.stderr is not None and running.stdin is not None
    assert running.stderr.readline().startswith(b"photo.png: ")
    running.send_signal(signal.SIGINT)  # it waits for standard input now, or is about to
    said = running.stderr.read().decode()
    assert running.wait(60) == 130
    for stream in (running.stdin, running.stdout, running.stderr):
        stream.close()
    assert "Traceback" not in said


def test_commands_that_need_an_extra_name_it(process: Run) -> None:
    without = "import sys; sys.modules['torch'] = None; from anymask.cli import main; main(sys.argv[1:])"
    with Path("last.pt").open("wb") as stream:
        write_archive(stream, dict.fromkeys(("network", "optimiser", "step", "settings")) | {"ema": {}}, {})
    for command in (["train"], ["export", "last.pt"]):
        ended = process(*command, python=("-c", without))
        (line,) = ended.lines
        assert ended.code == 1
        assert line == 'anymask: torch is not installed, and this command needs it: pip install "anymask[train]"'


@pytest.mark.parametrize("package", ["numpy", "PIL", "platformdirs", "pycocotools", "rich", "typer"])
def test_without_a_package_of_the_base_the_cure_is_told(process: Run, package: str) -> None:
    without = f"import sys; sys.modules[{package!r}] = None; from anymask.__main__ import main; main()"
    ended = process("doctor", python=("-c", without))
    (line,) = ended.lines
    assert ended.code == 1
    assert line == f"anymask: {package} is not installed; install anymask again: pip install --force-reinstall anymask"


def test_without_onnxruntime_segment_tells_the_cure(process: Run, photo: Image.Image) -> None:
    photo.save("a.png")
    without = "import sys; sys.modules['onnxruntime'] = None; from anymask.__main__ import main; main()"
    ended = process("segment", "a.png", python=("-c", without))
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith("anymask: onnxruntime cannot be imported (")
    assert line.endswith("; install anymask again: pip install --force-reinstall anymask")


@posix_only
def test_what_does_not_fit_in_memory_is_one_line(process: Run, photo: Image.Image) -> None:
    photo.save("a.png")
    failing = (
        "import sys, anymask.cli\n"
        "def find(*_, **__): raise MemoryError\n"
        "sys.modules['anymask.cli.segment'].find = find\n"
        "from anymask.__main__ import main; main()"
    )
    ended = process("segment", "a.png", python=("-c", failing))
    assert (ended.code, ended.lines) == (
        1,
        ["anymask: it does not fit in memory; close other programs, or give smaller files"],
    )


@pytest.mark.parametrize("package", ["scipy", "skimage"])
def test_edges_need_an_extra(process: Run, package: str) -> None:
    without = f"import sys; sys.modules[{package!r}] = None; from anymask.cli import main; main(sys.argv[1:])"
    ended = process("evaluate", "--edges", "--photos", "nowhere", python=("-c", without))
    (line,) = ended.lines
    assert ended.code == 1
    assert line == f'anymask: {package} is not installed, and this command needs it: pip install "anymask[evaluate]"'
