"""The pickle inside a torch file, read and written without running anything in it, and without torch.

Every class becomes an inert ``Instance`` of its name; a function is called only if it is one of `CALLS`, and then what
is called is ours. The instructions are those of the standard library's ``pickletools``.
"""

import pickletools
import struct
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, NamedTuple

MOST_INSTRUCTIONS = 500_000  # a network of size x has 70,000
MOST_AXES = 8
LARGEST_KEY = 2**31  # larger numbers can be made to share one hash, and a dictionary of such takes hours


class Named(NamedTuple):
    """A class or function, by its name alone."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class Instance:
    """An object of a class: its name and what its attributes are."""

    kind: Named
    state: Any = None


@dataclass(eq=False, frozen=True, slots=True)
class Call:
    """What a function makes of its arguments, which nobody ran."""

    function: Named
    arguments: tuple[Any, ...] = ()


class Storage(NamedTuple):
    """Numbers in a file beside the pickle."""

    kind: str  # such as "HalfStorage"
    key: str  # the file's name
    numbers: int  # how many


class StoredTensor(NamedTuple):
    """A window on a storage; its place and strides are counted in numbers, not in bytes. None of it is checked."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    trained: bool = False  # an nn.Parameter


def ordered_dict() -> dict[Any, Any]:
    """Without the pairs that Python 2 gave here: copying them again and again would fill the memory."""
    return {}


def size(axes: Any) -> tuple[Any, ...]:
    """torch.Size is a tuple."""
    if not isinstance(axes, tuple):
        raise ValueError("a torch.Size of no tuple")
    return axes


def tensor(storage: Any, offset: Any, shape: Any, strides: Any, *about: Any) -> StoredTensor:
    """A tensor; whether it wants gradients, its hooks and metadata are left aside."""
    axes_fit = isinstance(shape, tuple) and isinstance(strides, tuple) and len(shape) == len(strides) <= MOST_AXES
    if not isinstance(storage, Storage) or not axes_fit:
        raise ValueError("a tensor without a storage, or whose shape and strides do not fit")
    if not all(type(number) is int for number in (offset, *shape, *strides)):
        raise ValueError("a tensor whose place is no whole number")
    return StoredTensor(storage, offset, shape, strides)


def parameter(data: Any, *about: Any) -> StoredTensor:
    """A tensor that is trained."""
    if not isinstance(data, StoredTensor):
        raise ValueError("a parameter that is no tensor")
    return data._replace(trained=True)


def attribute(owner: Any, name: Any) -> Call:
    """A method of a class of the network, which nobody looked up: the heads of old checkpoints keep one."""
    if not isinstance(owner, Named) or not owner.module.startswith(PUBLISHER) or not isinstance(name, str):
        raise ValueError("an attribute of something other than a class of the network")
    return Call(GETATTR, (owner, name))


PUBLISHER = "ultralytics."  # of the modules that the classes of a network are in
GETATTR = Named("__builtin__", "getattr")
REBUILD_TENSOR = Named("torch._utils", "_rebuild_tensor_v2")
REBUILD_PARAMETER = Named("torch._utils", "_rebuild_parameter")
ORDERED_DICT = Named("collections", "OrderedDict")
SET = Named("__builtin__", "set")

# What may be called, and what is called in its place; None for what is only kept as a `Call`
CALLS: dict[Named, Callable[..., Any] | None] = {
    REBUILD_TENSOR: tensor,
    REBUILD_PARAMETER: parameter,
    Named("torch._utils", "_rebuild_parameter_with_state"): parameter,
    Named("torch", "Size"): size,
    Named("torch", "device"): None,
    ORDERED_DICT: ordered_dict,
    GETATTR: attribute,
    Named("builtins", "getattr"): attribute,
    SET: None,
    Named("builtins", "set"): None,
    Named("_codecs", "encode"): None,
    Named("datetime", "datetime"): None,
    Named("types", "SimpleNamespace"): None,
    Named("pathlib", "PosixPath"): None,
    Named("pathlib", "WindowsPath"): None,
    Named("pathlib._local", "PosixPath"): None,
    Named("pathlib._local", "WindowsPath"): None,
    Named("numpy", "dtype"): None,
    Named("numpy.core.multiarray", "scalar"): None,
    Named("numpy._core.multiarray", "scalar"): None,
    Named("numpy.core.multiarray", "_reconstruct"): None,
    Named("numpy._core.multiarray", "_reconstruct"): None,
}
# Of the standard library no other name is of use in a checkpoint
STANDARD = {*CALLS, Named("argparse", "Namespace")}
STANDARD_MODULES = {*sys.stdlib_module_names, "__builtin__", "copy_reg"}

PUSHED = {  # instructions that push their argument
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"),
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pickle(data: bytes) -> Any:
    """What the pickle ``data`` holds: dict, list, tuple, str, int, float, bool, None, bytes, and the classes above.

    Raises ValueError, with what is wrong, for anything else.
    """
    try:
        return _Machine().run(data)
    except (IndexError, KeyError) as error:
        raise ValueError("an instruction that takes what is not there") from error


class _Machine:
    """The pickle machine: a stack, the marks in it, and a memo."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        for number, (instruction, argument, _) in enumerate(pickletools.genops(data)):
            if number > MOST_INSTRUCTIONS:
                raise ValueError(f"more than {MOST_INSTRUCTIONS} pickle instructions")
            self.step(instruction.name, argument)
        if len(self.stack) != 1:
            raise ValueError(f"{len(self.stack)} results of its pickle")
        return self.stack[0]

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in PUSHED:
            stack.append(argument)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in TUPLES:
            stack[-TUPLES[name] :] = [tuple(self.top(TUPLES[name]))]
        else:
            match name:
                case "PROTO" | "FRAME" | "STOP":
                    pass
                case "MARK":
                    self.marks.append(len(stack))
                case "BINPUT" | "LONG_BINPUT":
                    self.memo[argument] = stack[-1]
                case "MEMOIZE":
                    self.memo[len(self.memo)] = stack[-1]
                case "BINGET" | "LONG_BINGET":
                    stack.append(self.memo[argument])
                case "TUPLE":
                    stack.append(tuple(self.marked()))
                case "EMPTY_LIST" | "EMPTY_SET":
                    stack.append([])
                case "APPEND":
                    item = stack.pop()
                    self.above(list).append(item)
                case "APPENDS" | "ADDITEMS":
                    items = self.marked()
                    self.above(list).extend(items)
                case "EMPTY_DICT":
                    stack.append({})
                case "SETITEM":
                    value, key = stack.pop(), stack.pop()
                    self.set_items([key, value])
                case "SETITEMS":
                    self.set_items(self.marked())
                case "GLOBAL":
                    module, _, called = argument.partition(" ")
                    stack.append(allowed(Named(module, called)))
                case "STACK_GLOBAL":
                    called, module = stack.pop(), stack.pop()
                    if not isinstance(called, str) or not isinstance(module, str):
                        raise ValueError("a name that is no text")
                    stack.append(allowed(Named(module, called)))
                case "REDUCE":
                    arguments, function = stack.pop(), stack.pop()
                    stack.append(called_by(function, arguments))
                case "NEWOBJ":
                    _, kind = stack.pop(), stack.pop()
                    if not isinstance(kind, Named):
                        raise ValueError("an object of no class")
                    stack.append(Instance(kind))
                case "BUILD":
                    state = stack.pop()
                    build(stack[-1], state)
                case "BINPERSID":
                    stack.append(storage(stack.pop()))
                case _:
                    raise ValueError(f"the pickle instruction {name}, which no checkpoint needs")

    def top(self, length: int) -> list[Any]:
        if len(self.stack) < length:
            raise IndexError
        return self.stack[-length:]

    def marked(self) -> list[Any]:
        """Take what was pushed since the last mark."""
        start = self.marks.pop()
        if start > len(self.stack):
            raise IndexError
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def above(self, kind: type) -> Any:
        """What lies above, which must be a list or a dictionary."""
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"something put into a {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    def set_items(self, items: list[Any]) -> None:
        target = self.above(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int | float | None) or (isinstance(key, int) and abs(key) > LARGEST_KEY):
                raise ValueError(f"a dictionary's key that is a {type(key).__name__} or too large a number")
            target[key] = value


def allowed(named: Named) -> Named:
    """``named``, unless it is of the standard library and of no use in a checkpoint."""
    if named.module.partition(".")[0] in STANDARD_MODULES and named not in STANDARD:
        raise ValueError(f"the name {shown(named)}, for which a checkpoint has no use")
    return named


def called_by(function: Any, arguments: Any) -> Any:
    """What stands for the result of a call."""
    # the published package's namespaces of settings are pickled as calls of their classes
    known = isinstance(function, Named) and (function in CALLS or function.module.startswith(PUBLISHER))
    if not known or not isinstance(arguments, tuple):
        raise ValueError(f"a call of {shown(function)}, for which a checkpoint has no use")
    ours = CALLS.get(function)
    if ours is None:
        return Call(function, arguments)
    try:
        return ours(*arguments)
    except TypeError as error:
        raise ValueError(f"a call of {shown(function)} with {len(arguments)} arguments") from error


def build(target: Any, state: Any) -> None:
    """Give an object its attributes, once. Those of other things, such as an OrderedDict's, are of no use here."""
    if isinstance(target, Instance) and target.state is None:
        target.state = state
    elif not isinstance(target, dict | Call):
        raise ValueError(f"attributes for a {type(target).__name__}, or a second time")


def storage(about: Any) -> Storage:
    """The storage that a persistent id describes."""
    match about:
        case ("storage", Named(name=kind), str(key), str(), int(numbers)) if numbers >= 0:
            return Storage(kind, key, numbers)
    raise ValueError("a reference to something other than a storage")


def shown(value: Any) -> str:
    """A name out of a file, fit for a message: one line and not long."""
    return repr(str(value))[1:-1][:80] if isinstance(value, Named) else f"a {type(value).__name__}"


def write_pickle(value: Any) -> bytes:
    """The pickle, protocol 2, of what `read_pickle` gives; equal after reading, and what is shared is still shared.

    Raises TypeError for anything else.
    """
    writer = _Writer()
    writer.write(value)
    return b"\x80\x02" + bytes(writer.out) + b"."


class _Writer:
    def __init__(self) -> None:
        self.out = bytearray()
        self.memo: dict[int, tuple[int, Any]] = {}  # id -> index, and the object, so that its id stays its own
        self.index = count()

    def write(self, value: Any) -> None:
        """Write one value. What may be meant to be one object is put into the memo."""
        out = self.out
        if id(value) in self.memo:
            out += b"j" + struct.pack("<I", self.memo[id(value)][0])
            return
        match value:
            case None:
                out += b"N"
            case bool():
                out += b"\x88" if value else b"\x89"
            case int() if -(2**31) <= value < 2**31:
                out += b"J" + struct.pack("<i", value)
            case float():
                out += b"G" + struct.pack(">d", value)
            case str():
                encoded = value.encode("utf-8", "surrogatepass")
                out += b"X" + struct.pack("<I", len(encoded)) + encoded
            case Named():
                out += f"c{value.module}\n{value.name}\n".encode()
                self.remember(value)
            case StoredTensor():
                self.write_tensor(value)
            case Storage(kind, key, numbers):
                self.write(("storage", Named("torch", kind), key, "cpu", numbers))
                out += b"Q"
            case tuple():
                self.write_marked(value, b"t")
            case list():
                out += b"]"
                self.remember(value)
                self.write_marked(value, b"e")
            case dict():
                out += b"}"
                self.remember(value)
                self.write_marked(chain.from_iterable(value.items()), b"u")
            case Call():
                self.write_call(value.function, *value.arguments)
                self.remember(value)
            case Instance():
                self.write(value.kind)
                out += b")\x81"
                self.remember(value)
                self.write(value.state)
                out += b"b"
            case _:
                raise TypeError(f"no way to write a {type(value).__name__} into a checkpoint")

    def write_marked(self, items: Iterable[Any], taking: bytes) -> None:
        """Write a mark, items, and the instruction that takes all above the mark."""
        self.out += b"("
        for item in items:
            self.write(item)
        self.out += taking

    def write_tensor(self, value: StoredTensor) -> None:
        plain = value._replace(trained=False)
        if value.trained:
            self.write_call(REBUILD_PARAMETER, plain, True, Call(ORDERED_DICT))
        else:
            place = (value.storage, value.offset, value.shape, value.strides)
            self.write_call(REBUILD_TENSOR, *place, False, Call(ORDERED_DICT))

    def write_call(self, function: Named, *arguments: Any) -> None:
        self.write(function)
        self.write(arguments)
        self.out += b"R"

    def remember(self, value: Any) -> None:
        """Put what was just written into the memo."""
        index = next(self.index)
        self.memo[id(value)] = (index, value)
        self.out += b"r" + struct.pack("<I", index)
