"""``anymask serve``: the HTTP API and the visual editor."""

import secrets
import socket
import tempfile
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from anymask.cli.console import say
from anymask.cli.extras import needs_extra
from anymask.cli.places import MaskHeadOption, RuntimeOption, data_folder
from anymask.cli.weights import WEIGHTS_HELP, find
from anymask.errors import SettingsError
from anymask.models import DEFAULT
from anymask.segment import Segmenter

HOST = "127.0.0.1"
PORT = 8642
PORTS = 20  # further ones that are tried where it is taken and none was named
MIB, GIB = 2**20, 2**30


def serve(
    host: Annotated[str, typer.Option(metavar="NAME", help="The address to listen at; 0.0.0.0 for every one.")] = HOST,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=65535, help=f"0 for any. [default: {PORT}, or the next free]", show_default=False
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where pictures and objects are kept. [default: in the user's data folder]",
            show_default=False,
        ),
    ] = None,
    save: Annotated[bool, typer.Option("--save/--no-save", help="Keep the work when the server ends.")] = True,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the editor in a browser.")] = True,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="WORD",
            envvar="ANYMASK_TOKEN",
            help="What every request must carry. [default: none at a loopback address, elsewhere a new one]",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name by which the server is reached; repeat for more, * for any."),
    ] = None,
    quota: Annotated[float, typer.Option(metavar="GIB", help="Pictures and objects may take so much disk.")] = 20,
    memory: Annotated[float, typer.Option(metavar="GIB", help="Open pictures may take so much memory.")] = 1,
    max_upload: Annotated[float, typer.Option(metavar="MIB", help="Refuse larger picture files.")] = 64,
    max_pixels: Annotated[int, typer.Option(metavar="N", min=1, help="Refuse larger pictures.")] = 100_000_000,
    weights: Annotated[str, typer.Option(metavar="W", help=WEIGHTS_HELP)] = DEFAULT,
    mask_head: MaskHeadOption = DEFAULT,
    runtime: RuntimeOption = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads of the network. [default: cores]")
    ] = None,
) -> None:
    """Serve the HTTP API and the visual editor, until interrupted. Needs: pip install 'anymask[serve]'."""
    with needs_extra("serve"):
        import uvicorn

        from anymask.serve.app import create_app
        from anymask.serve.connections import configured
        from anymask.serve.guard import allowed_hosts, loops_back
        from anymask.serve.settings import ServeSettings
    if token is not None and (len(token) < 8 or not token.isascii() or not token.isprintable() or " " in token):
        raise SettingsError("--token: expected at least 8 printable ASCII characters without spaces, got other ones")
    if token is None:
        token = "" if loops_back(host) else secrets.token_urlsafe(24)
    with ExitStack() as held:
        if not save:
            data = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="anymask-", ignore_cleanup_errors=True)))
        settings = ServeSettings(
            data=data or data_folder() / "serve",
            saved=save,
            quota=int(quota * GIB),
            memory=int(memory * GIB),
            upload_bytes=int(max_upload * MIB),
            max_pixels=max_pixels,
            token=token,
            hosts=allowed_hosts(host, allow_host or []),
        )
        listening = held.enter_context(listen(host, port))
        segmenter = Segmenter(find(weights), runtime=runtime, threads=threads, mask_head=mask_head)
        app = create_app(settings, segmenter)
        address = address_of(listening, host) + (f"?token={quote(token)}" if token else "")
        say(f"anymask: {address}")
        say(f"anymask: work is kept in {settings.data}" if save else "anymask: nothing is kept when this ends")
        if open_page:
            webbrowser.open(address)
        config = configured(app, settings, log_level="warning", access_log=False, timeout_graceful_shutdown=3)
        uvicorn.Server(config).run([listening])


def listen(host: str, port: int | None) -> socket.socket:
    """A socket at that address that takes connections.

    port: 0 for any free one, None for the usual one or one soon after. Raises SettingsError where that cannot be.
    """
    tried = range(PORT, PORT + PORTS) if port is None else [port]
    failure: OSError | None = None
    for number in tried:
        try:
            family = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((host, number), family=family, backlog=2048)
        except OSError as error:
            failure = error
    wanted = f"{host}:{tried[0]}" if len(tried) == 1 else f"{host}, ports {tried[0]} to {tried[-1]}"
    raise SettingsError(f"--port: cannot listen at {wanted} ({failure}); name another --port or --host")


def address_of(listening: socket.socket, host: str) -> str:
    """The address of the editor, for a browser on this machine where the server listens at every address."""
    port = listening.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}/"
