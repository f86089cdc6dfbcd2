"""The default weights in every form a runtime opens."""

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from anymask.models import default_weights

# What a test is run for -> runtime, suffix of the file, packages it needs
WAYS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "onnx": ("onnx", ".onnx", ()),
    "openvino on onnx": ("openvino", ".onnx", ("openvino",)),
    "openvino": ("openvino", ".xml", ("openvino", "torch", "onnx")),
    "torch": ("torch", ".torchscript", ("torch", "onnx")),
}


def skip_without(*packages: str) -> None:
    """Skip the test where a package is missing. Not importorskip, for importing OpenVINO reports to a web service."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="session")
def default_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The default weights in a file with a suffix, written once."""
    folder = tmp_path_factory.mktemp("default")

    def default_in(suffix: str) -> Path:
        path = folder / f"default{suffix}"
        if suffix == ".onnx":
            return default_weights()
        if not path.exists():
            from anymask.export import export_openvino, export_torchscript
            from anymask.runtimes import OnnxRuntime
            from anymask.train.exported import load_exported

            if suffix == ".xml":
                export_openvino(default_weights().read_bytes(), path)
            else:
                ours = OnnxRuntime(default_weights())
                export_torchscript(load_exported(default_weights()), path, metadata=ours.metadata, ours=ours)
        return path

    return default_in


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, default_in: Callable[[str], Path]) -> tuple[str, Path]:
    """A runtime's name and a file for it; the test is skipped where a package is missing."""
    runtime, suffix, packages = WAYS[request.param]
    skip_without(*packages)
    return runtime, default_in(suffix)
