"""The command line. Every command parses, calls the library, and prints.

Exit codes: 0 everything was done; 1 something was refused or failed (each with one line on stderr), the rest is done;
2 the command was used wrongly; 130 it was interrupted.
"""

import logging
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from anymask import __version__
from anymask.cli.compare import compare
from anymask.cli.console import LineHandler, say
from anymask.cli.data import data
from anymask.cli.doctor import doctor
from anymask.cli.evaluate import evaluate
from anymask.cli.explain import explain
from anymask.cli.export import export
from anymask.cli.segment import segment
from anymask.cli.serve import serve
from anymask.cli.train import train
from anymask.errors import REINSTALL, AnymaskError, SettingsError

app = typer.Typer(
    help="Segment anything in a picture by click or box, in one fast pass, on an ordinary CPU.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(no_args_is_help=True)(segment)
app.command(no_args_is_help=True)(explain)
app.command()(serve)
app.command()(train)
app.command()(evaluate)
app.command()(compare)
app.command()(export)
app.command(no_args_is_help=True)(data)
app.command()(doctor)


def print_version(wanted: bool) -> None:
    """Print the version and which weights are inside the package."""
    if wanted:
        from anymask.models import default_weights, weights_hash

        typer.echo(f"anymask {__version__}\nweights default sha256:{weights_hash(default_weights())}")
        raise typer.Exit


@app.callback()
def common(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=print_version, is_eager=True, help="Print the version and the weights' hash."
        ),
    ] = False,
) -> None:
    """Segment anything in a picture by click or box, in one fast pass, on an ordinary CPU."""
    logging.basicConfig(format="%(message)s", handlers=[LineHandler()], force=True)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # Pillow's are for programmers; what matters is an error or a log record


def main(arguments: Sequence[str] | None = None) -> None:
    """The ``anymask`` program: one line, never a traceback, for what a user can get wrong.

    arguments: those of the process when None. Ends with SystemExit.
    """
    try:
        app(arguments)
    except AnymaskError as error:
        sys.exit(fail(str(error), 2 if isinstance(error, SettingsError) else 1))
    except OSError as error:
        sys.exit(fail(f"{error.filename or 'a file'}: {error.strerror or error}"))
    except MemoryError:
        sys.exit(fail("it does not fit in memory; close other programs, or give smaller files"))
    except ImportError as error:
        sys.exit(fail(f"{(error.name or 'a package').partition('.')[0]} cannot be imported ({error}); {REINSTALL}"))


def fail(message: str, code: int = 1) -> int:
    """Print ``message`` as one line on stderr; returns the exit code."""
    say(f"anymask: {message}")
    return code
