"""Opening an ONNX file by ONNX Runtime on the CPU, and running it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anymask.errors import WeightsError, printable
from anymask.runtimes.base import listed, name_of, run_error


def open_session(source: str | Path | bytes, threads: int | None, cure: str, *, spin: bool = True) -> Any:
    """An `onnxruntime.InferenceSession`.

    source: the path of the file, or its bytes.
    threads: how many threads one run uses; None lets ONNX Runtime choose, which is one per physical core.
    cure: what the user can do about a file that cannot be opened.
    spin: whether idle threads wait at full speed.

    Raises WeightsError if the file is missing or damaged.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = threads or 0
    if not spin:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = source if isinstance(source, bytes) else str(source)
    if isinstance(model, str) and not Path(model).is_file():
        raise WeightsError(f"{model} is not there: {cure}")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a dozen unrelated exceptions for a bad file
        reason = printable(" ".join(str(error).split()), 500)
        raise WeightsError(f"{name_of(source)} cannot be read as an ONNX model ({reason}): {cure}") from error


def load_onnxruntime() -> Any:
    """The module `onnxruntime`, with its telemetry off.

    From 1.32 on importing it leaves an identifier in the folder of temporary files, from which it may report to a web
    service; this variable is only read then. Where the program has imported it before, that is the program's choice.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def open_model(
    source: str | Path | bytes,
    threads: int | None,
    kind: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    cure: str,
) -> Any:
    """A session as `open_session` gives it, of a model that has just these inputs and outputs.

    kind: what such a model is called in a message, "a refiner".

    Raises WeightsError as `open_session` does, and if it is another model.
    """
    session = open_session(source, threads, cure)
    given = {each.name for each in session.get_inputs()}
    gives = {each.name for each in session.get_outputs()}
    if given != set(inputs) or gives != set(outputs):
        raise WeightsError(
            f"{name_of(source)} must be {kind} with the inputs {', '.join(inputs)} and the "
            f"output{'s' * (len(outputs) > 1)} {', '.join(outputs)}, "
            f"but has {listed(sorted(given))} and {listed(sorted(gives))}: {cure}"
        )
    return session


def run_session(session: Any, outputs: Sequence[str], inputs: Mapping[str, Any], name: str, cure: str) -> list[Any]:
    """The outputs of a session for inputs. Raises WeightsError where the file, called ``name``, fails at it."""
    try:
        found: list[Any] = session.run(outputs, dict(inputs))
    except Exception as error:  # the same dozen
        raise run_error(name, error, cure) from error
    return found
