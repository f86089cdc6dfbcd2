"""Loading OpenVINO so that it sends nothing, and reading its models."""

import io
import sys
from functools import cache
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

from anymask.errors import WeightsError, printable
from anymask.runtimes.base import broken_engine, missing_engine, name_of

TELEMETRY = "openvino_telemetry"  # a package that comes along with OpenVINO
OURS = "anymask"  # the section of a model's information that our export writes
THEIRS = "framework"  # and the one into which OpenVINO puts the metadata of an ONNX file

_loading = Lock()


def load_openvino() -> Any:
    """The module `openvino`, with its telemetry off.

    Importing it reports to a web service and leaves an identifier in the user's home folder. Where the package that
    does so is missing OpenVINO takes a stub of its own instead, so it is hidden while OpenVINO is imported. What the
    program has imported before stays as it is.

    Raises MissingExtraError where OpenVINO is not installed, or is broken.
    """
    with _loading:
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == TELEMETRY}
        modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]  # None: "there is no such one"
        modules[TELEMETRY] = None
        try:
            import openvino
        except Exception as error:  # of a broken library anything
            if isinstance(error, ModuleNotFoundError) and error.name == "openvino":
                raise missing_engine("openvino") from error
            raise broken_engine("openvino", error) from error
        finally:
            del modules[TELEMETRY]
            modules.update(hidden)
    return openvino


@cache
def core() -> Any:
    """The one `openvino.Core` of the process, which is never given up.

    The first model that is compiled for the CPU gives the thread another stack for signals. OpenVINO takes it back with
    the core, and where another thread lets that go, the stack is gone and the next signal, even that a child has ended,
    ends the process.

    Raises as `load_openvino` does.
    """
    return load_openvino().Core()


def read_model(source: str | Path | bytes, cure: str) -> Any:
    """The `openvino.Model` of an .xml file with its .bin beside it, of an ONNX file, or of an ONNX file's bytes.

    cure: what the user can do about a file that cannot be opened.

    Raises WeightsError if the file is missing or damaged, MissingExtraError where OpenVINO is not installed.
    """
    engine = core()
    if not isinstance(source, bytes) and not Path(source).is_file():
        raise WeightsError(f"{source} is not there: {cure}")
    try:
        return engine.read_model(io.BytesIO(source) if isinstance(source, bytes) else Path(source))
    except Exception as error:  # OpenVINO raises RuntimeErrors that tell of its sources, line by line
        reason = printable(" ".join(str(error).split()), 500)
        raise WeightsError(f"{name_of(source)} cannot be read by OpenVINO ({reason}): {cure}") from error


def metadata_of(model: Any) -> dict[str, str]:
    """What the file of a model says of itself, by name."""
    for section in (OURS, THEIRS):
        if model.has_rt_info([section]):
            held = model.get_rt_info([section]).value
            return {name: str(model.get_rt_info([section, name]).value) for name in held}
    return {}
