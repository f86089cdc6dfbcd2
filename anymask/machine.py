"""What this computer has: processor, memory, room in a folder. Standard library and numpy only."""

import os
import platform
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

# What the engines use, by the names numpy gives: x86 first, then ARM
INTERESTING = ("AVX2", "FMA3", "F16C", "AVX512F", "AVX512_SPR", "NEON", "ASIMD", "ASIMDHP", "ASIMDDP", "SVE")


def cpu_name() -> str:
    """What the processor calls itself, or its architecture where the system does not tell."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cpu_features() -> list[str]:
    """Those of `INTERESTING` that the processor has; empty where numpy does not tell."""
    try:
        held: Mapping[str, bool] = vars(import_module("numpy._core._multiarray_umath"))["__cpu_features__"]
    except (ImportError, KeyError):
        return []
    return [name for name in INTERESTING if held.get(name)]


def cores() -> int:
    """How many logical processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def memory() -> tuple[int | None, int | None]:
    """Bytes of memory in all and what is available, each None where the system does not tell."""
    if platform.system() == "Windows":
        return _windows_memory()
    try:
        total: int | None = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        total = None
    available = None
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                available = int(line.split()[1]) * 1024
        # A container may have less than the machine
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):  # "max": there is no limit
        return total, available
    total = limit if total is None else min(total, limit)
    return total, limit - used if available is None else min(available, limit - used)


def _windows_memory() -> tuple[int | None, int | None]:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "available", "a", "b", "c", "d", "e")),
        )

    status = Status(length=ctypes.sizeof(Status))
    if not vars(ctypes)["windll"].kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None, None
    return int(status.total), int(status.available)


def folder_size(folder: Path) -> int:
    """Bytes of the files in a folder and below; what cannot be looked at counts nothing."""
    size = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(root) / name).lstat().st_size
            except OSError:
                continue
    return size
