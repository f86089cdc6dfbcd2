from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from anymask.errors import WeightsError
from anymask.network.checkpoint import load_checkpoint, load_network, save_checkpoint
from anymask.network.yolo import Network, NetworkConfig

CONFIG = NetworkConfig("n", "yolo", reg_max=4, coefficients=4, detail=False)


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    """What a checkpoint holds, for tests that spoil a part of it."""
    network, ema = Network(CONFIG), Network(CONFIG)
    optimiser = torch.optim.AdamW(network.parameters()).state_dict()
    weights = {"network": network.state_dict(), "ema": ema.state_dict(), "optimiser": optimiser}
    return {**weights, "step": 7, "settings": {"network": asdict(CONFIG)}}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    network, ema = Network(CONFIG), Network(CONFIG)
    optimiser = torch.optim.AdamW(network.parameters())
    sum(parameter.sum() for parameter in network.parameters()).backward()  # type: ignore[union-attr]
    optimiser.step()
    path = tmp_path / "run" / "last.pt"  # the folder is made
    settings = {"network": asdict(CONFIG), "zoom": (0.7, 2.0), "sides": {64: 1.0}}
    save_checkpoint(path, network, ema, optimiser, 7, settings)
    loaded = load_checkpoint(path)
    assert loaded["step"] == 7
    assert loaded["settings"] == settings
    for name, module in (("network", network), ("ema", ema)):
        assert all(torch.equal(tensor, loaded[name][key]) for key, tensor in module.state_dict().items())
    moments, expected = loaded["optimiser"]["state"], optimiser.state_dict()["state"]
    assert moments.keys() == expected.keys()
    assert all(torch.equal(moments[index]["exp_avg"], expected[index]["exp_avg"]) for index in expected)
    assert [each.name for each in path.parent.iterdir()] == ["last.pt"]

    averaged = load_network(path)
    assert averaged.config == CONFIG
    assert not averaged.training
    assert all(torch.equal(tensor, averaged.state_dict()[key]) for key, tensor in ema.state_dict().items())


class Attack:
    """What a checkpoint of somebody else might hold."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, ...]]:
        return (eval, ("1 / 0",))


def truncated(path: Path, content: dict[str, Any]) -> None:
    torch.save(content, path)
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path, content: None, "FileNotFoundError"),
        (lambda path, content: path.write_bytes(b""), "EOFError"),
        (lambda path, content: path.write_text("not a checkpoint"), "Error"),
        (truncated, "Error"),
        (lambda path, content: torch.save([1, 2], path), "holds a list"),
        (
            lambda path, content: torch.save({"ema": {}}, path),
            "it lacks network, optimiser, settings, step",
        ),
        (lambda path, content: torch.save({**content, "settings": Attack()}, path), "UnpicklingError"),  # runs nothing
        (lambda path, content: path.mkdir(), "Error"),
    ],
    ids=["missing", "empty", "text", "truncated", "list", "a part", "code", "a folder"],
)
def test_another_kind_of_file_is_refused(
    tmp_path: Path, content: dict[str, Any], write: Callable[[Path, dict[str, Any]], None], said: str
) -> None:
    path = tmp_path / "last.pt"
    write(path, content)
    with pytest.raises(WeightsError, match=said) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: expected a checkpoint of anymask train")
    assert "\n" not in message and "weights_only" not in message  # torch says how to load it in spite of all
    assert message.endswith("name another file, or move this one away and train anew")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"settings": {}}, "its network is of another version"),
        ({"settings": {"network": {**asdict(CONFIG), "depth": 3}}}, "its network is of another version"),
        ({"settings": {"network": {**asdict(CONFIG), "size": "xxl"}}}, "got 'xxl'"),
        ({"settings": {"network": {**asdict(CONFIG), "coefficients": 8}}}, "expected the weights of NetworkConfig"),
        ({"ema": {}}, "expected the weights of NetworkConfig"),
    ],
)
def test_weights_of_another_network_are_refused(
    tmp_path: Path, content: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    path = tmp_path / "last.pt"
    torch.save({**content, **change}, path)
    with pytest.raises(WeightsError, match=said) as caught:
        load_network(path)
    assert "\n" not in str(caught.value)
