"""`ServeSettings`: what a server may take, hold and keep."""

from dataclasses import dataclass
from pathlib import Path

from anymask.errors import SettingsError
from anymask.image import MAX_PIXELS
from anymask.machine import cores

MIB = 2**20
GIB = 2**30


@dataclass(frozen=True)
class ServeSettings:
    """Bounds of one server; all sizes in bytes, all times in seconds.

    data: the folder that holds the database and the pictures; made if absent.
    saved: whether it outlives the server; False is told to people, and the caller gives a folder that goes away.
    quota: pictures and database together may take so much; then pictures, objects, looks and recipes are refused until
        images are deleted. The masks of a picture that was taken are kept in any case.
    upload_bytes: of one picture file; json_bytes: of any other request's body.
    upload_seconds: a request's body must have come by then.
    bodies_bytes: the bodies of all requests that are being read or worked on; while there are more, further ones are
        told to come back.
    max_pixels: a larger picture is refused before it is decoded.
    memory: pictures and masks held open; the ones used longest ago are let go, and read again when they are asked for.
    waiting_finds, waiting_choices: requests that may wait for a picture's masks to be found, or as many for a closer
        look, and for anything shorter; further ones are told to come back.
    choosers: threads for what is shorter than finding, beside the one that finds and the one that looks closer.
    listeners: streams of events open at once.
    connections: open at once; a further one is told to come back. Most systems let a process have 1,024 files open.
    head_seconds: until the head of a request must have come, on a new connection or after the last answer.
    token: what each request must carry; "" for none.
    hosts: names, without ports, that a request's Host may have beside ``localhost`` and addresses that loop back; "*"
        is any.

    Raises:
        SettingsError: a bound below its least value.
    """

    data: Path
    saved: bool = True
    quota: int = 20 * GIB
    upload_bytes: int = 64 * MIB
    json_bytes: int = 16 * MIB
    upload_seconds: float = 60.0
    bodies_bytes: int = 512 * MIB
    max_pixels: int = MAX_PIXELS
    memory: int = 1 * GIB
    waiting_finds: int = 16
    waiting_choices: int = 64
    choosers: int = max(1, min(4, cores()))
    listeners: int = 200
    connections: int = 600
    head_seconds: float = 20.0
    token: str = ""
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (
            "quota",
            "upload_bytes",
            "json_bytes",
            "bodies_bytes",
            "max_pixels",
            "memory",
            "choosers",
            "listeners",
            "connections",
        ):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("waiting_finds", "waiting_choices", "upload_seconds", "head_seconds"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} must not be negative, got {getattr(self, name)}")
