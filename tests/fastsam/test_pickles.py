"""What the restricted unpickler reads, and what it refuses: nothing in a pickle is ever run."""

import os
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymask.fastsam import pickles
from anymask.fastsam.pickles import Call, Instance, Named, Storage, StoredTensor, read_pickle, write_pickle

STORAGE = b"(X\x07\x00\x00\x00storagectorch\nHalfStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ"
TENSOR = StoredTensor(Storage("HalfStorage", "0", 6), 0, (2, 3), (3, 1))


class Attack:
    """Pickled as the call of a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def test_plain_values_are_read() -> None:
    value = {"a": [1, -2, 2.5, None, True, False, "ü"], 0: ("x", ("y",), (1, 2, 3, 4)), "b": b"bytes" * 100}
    for protocol in (2, 3, 4, 5):
        read = read_pickle(pickle.dumps({key: value[key] for key in ("a", 0)}, protocol))
        assert read == {key: value[key] for key in ("a", 0)}
    assert read_pickle(pickle.dumps(value, 4)) == value
    assert read_pickle(pickle.dumps(OrderedDict(a=1), 2)) == {"a": 1}


def test_a_class_becomes_an_inert_object() -> None:
    data = b"\x80\x02cfar.away\nThing\n)\x81}X\x01\x00\x00\x00aK\x01sb."
    read = read_pickle(data)
    assert (read.kind, read.state) == (Named("far.away", "Thing"), {"a": 1})


@pytest.mark.parametrize(
    ("data", "function", "arguments"),
    [
        (b"cpathlib\nPosixPath\nX\x03\x00\x00\x00a/b\x85R", Named("pathlib", "PosixPath"), ("a/b",)),
        (  # the settings of a run: a class is called, then given its attributes
            b"cultralytics.yolo.utils\nIterableSimpleNamespace\n)R}X\x01\x00\x00\x00aK\x01sb",
            Named("ultralytics.yolo.utils", "IterableSimpleNamespace"),
            (),
        ),
        (  # what the head of a segmentation model keeps, as 8.0.120 writes it
            b"c__builtin__\ngetattr\ncultralytics.nn.modules.head\nDetect\nX\x07\x00\x00\x00forward\x86R",
            Named("__builtin__", "getattr"),
            (Named("ultralytics.nn.modules.head", "Detect"), "forward"),
        ),
        (pickle.dumps(SimpleNamespace(a=1), 2)[2:-1], Named("types", "SimpleNamespace"), ()),
        (pickle.dumps(np.float64(1.5), 2)[2:-1], Named("numpy._core.multiarray", "scalar"), None),
        (b"ctorch\ndevice\nX\x03\x00\x00\x00cpu\x85R", Named("torch", "device"), ("cpu",)),
    ],
)
def test_what_is_of_no_use_is_kept_as_a_call_that_nobody_made(
    data: bytes, function: Named, arguments: tuple[Any, ...] | None
) -> None:
    read = read_pickle(b"\x80\x02" + data + b".")
    assert read.function == function
    assert arguments is None or read.arguments == arguments


def test_tensors_are_descriptions() -> None:
    data = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + b"K\x00K\x02K\x03\x86K\x03K\x01\x86\x89}tR."
    assert read_pickle(data) == TENSOR


marker = "must_not_exist"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pickle.dumps(Attack(os.system, f"touch {marker}"), 2), "system"),  # GLOBAL and REDUCE
        (pickle.dumps(Attack(os.system, f"touch {marker}"), 4), "system"),  # STACK_GLOBAL and REDUCE
        (pickle.dumps({"model": [Attack(os.system, f"touch {marker}")]}, 2), "system"),  # deep inside
        (b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85\x81.", "os.system"),  # NEWOBJ of a function
        (b"\x80\x02cos\nsystem\n.", "os.system"),  # named alone
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),  # protocol 0
        (b"(ios\nsystem\n.", "INST"),  # a call by another instruction
        (b"(cos\nsystem\nS'true'\no.", "os.system"),
        (pickle.dumps(Attack(eval, "1 / 0"), 2), "__builtin__.eval"),
        (pickle.dumps(Attack(eval, "1 / 0"), 4), "builtins.eval"),
        (pickle.dumps(Attack(getattr, "", "join"), 4), "an attribute of something other than a class"),
        (pickle.dumps(Attack(getattr, OrderedDict, "fromkeys"), 2), "an attribute of something other than a class"),
        (b"\x80\x02c__builtin__\ngetattr\ncultralytics.nn\nDetect\nK\x01\x86R.", "an attribute of something other"),
        (b"\x80\x02c__builtin__\ngetattr\ncultralytics.nn\nDetect\n\x85R.", "with 1 arguments"),
        (pickle.dumps(Attack(OrderedDict, [Attack(eval, "1 / 0")]), 4), "builtins.eval"),  # a call for an argument
        (pickle.dumps(Attack(PurePosixPath, "a"), 4), "pathlib.*PurePosixPath"),
        (b"\x80\x02ctorch.hub\nload\nX\x01\x00\x00\x00a\x85R.", "torch.hub.load"),  # not of the standard library
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", "with 0 arguments"),
        (b"\x80\x02ccollections\nOrderedDict\n]\x85R.", "with 1 arguments"),  # the pairs of Python 2
        (b"\x80\x02ctorch\nSize\nK\x01\x85R.", "Size of no tuple"),
        (b"\x80\x02K\x01K\x02\x85R.", "a call of a int"),
        (b"\x80\x02K\x01)\x81.", "an object of no class"),
        (b"\x80\x02K\x01}b.", "attributes for a int"),  # BUILD of what is no object
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}b.", "attributes for a Named"),  # or of a function
        (b"\x80\x02cfar\nThing\n)\x81}b}b.", "a second time"),
        (b"\x80\x02cfar\nThing\n)\x81K\x01a.", "put into a Instance"),  # APPEND to a foreign object
        (b"\x80\x02cfar\nThing\n)\x81K\x01K\x02s.", "put into a Instance"),
        (b"\x80\x02}]K\x02s.", "key that is a list"),
        (b"\x80\x02}\x8a\x08" + struct.pack("<q", 2**61) + b"K\x02s.", "too large a number"),
        (b"\x80\x02(K\x01K\x02tQ.", "other than a storage"),
        (b"\x80\x04\x82\x01.", "EXT1"),  # a name by its number
        (b"\x80\x02K\x012.", "DUP"),
        (b"\x80\x02\x85.", "what is not there"),  # an empty stack
        (b"\x80\x02t.", "what is not there"),  # no mark
        (b"\x80\x02h\x05.", "what is not there"),  # an empty memo
        (b"\x80\x02.", "0 results"),
        (b"\x80\x02K\x01K\x01.", "2 results"),
        (b"\x80\x02X\xff\xff\xff\x7fab.", "expected 2147483647 bytes"),  # a text that claims 2 GB
        (b"\x80\x02]" + b"]a" * 20, "STOP"),  # cut off
        (b"", "STOP"),
        (b"\x80\x02N0N.", "POP"),
    ],
    ids=lambda value: value.decode("latin1")[:24].encode("unicode_escape").decode() if isinstance(value, bytes) else "",
)
def test_what_no_checkpoint_needs_is_refused(
    data: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=said):
        read_pickle(data)
    assert not Path(marker).exists()


@pytest.mark.parametrize(
    ("offset", "shape", "strides", "said"),
    [
        (b"K\x00", b"K\x02\x85", b"K\x03K\x01\x86", "do not fit"),  # two strides for one axis
        (b"K\x00", b"K\x02", b"K\x03", "do not fit"),
        (b"N", b"K\x02\x85", b"K\x03\x85", "no whole number"),
        (b"K\x00", b"\x88\x85", b"K\x03\x85", "no whole number"),
        (b"K\x00", b"(" + b"K\x01" * 9 + b"t", b"(" + b"K\x01" * 9 + b"t", "do not fit"),  # nine axes
    ],
)
def test_a_tensor_of_another_form_is_refused(offset: bytes, shape: bytes, strides: bytes, said: str) -> None:
    call = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + offset + shape + strides + b"\x89}tR."
    with pytest.raises(ValueError, match=said):
        read_pickle(call)


def test_the_functions_that_stand_for_torchs_cannot_be_changed_from_a_file() -> None:
    before = dict(vars(pickles.tensor)), pickles.tensor.__defaults__
    with pytest.raises(ValueError, match="attributes for a Named"):
        read_pickle(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x0c\x00\x00\x00__defaults__N\x85s\x86b.")
    assert (dict(vars(pickles.tensor)), pickles.tensor.__defaults__) == before


def test_countless_instructions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "MOST_INSTRUCTIONS", 1000)
    with pytest.raises(ValueError, match="more than 1000 pickle instructions"):
        read_pickle(b"\x80\x02]" + b"Na" * 600 + b".")


leaves = st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(-9, 9), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read_by_pickle_and_by_us(value: Any) -> None:
    data = write_pickle(value)
    assert pickle.loads(data) == value
    assert read_pickle(data) == value


def test_objects_and_tensors_are_written_and_shared_ones_stay_shared() -> None:
    inner = Instance(Named("far", "Inner"), {"tensor": TENSOR, "trained": TENSOR._replace(trained=True)})
    read = read_pickle(write_pickle([inner, inner, Call(Named("torch", "device"), ("cpu",))]))
    assert read[0] is read[1]
    assert (read[0].kind, read[0].state) == (inner.kind, inner.state)
    assert (read[2].function, read[2].arguments) == (Named("torch", "device"), ("cpu",))
    with pytest.raises(TypeError, match="no way to write a complex"):
        write_pickle([1j])
