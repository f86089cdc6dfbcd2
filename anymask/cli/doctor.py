"""``anymask doctor``: whether everything works here, and what to install for what is missing."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from anymask import __version__
from anymask.cli.places import data_folder
from anymask.doctor import Check, examine
from anymask.files import cache_folder

MARKS = {"ok": "ok", "note": "-", "error": "ERROR"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Check Python, packages, weights, runtimes, folders, memory and processor; the exit code is 1 if any is broken."""
    folders = {"cache": (cache_folder(), "ANYMASK_CACHE"), "data": (data_folder(), "ANYMASK_DATA")}
    checks = []
    for check in examine(folders):
        checks.append(check)
        if not as_json:
            typer.echo(line(check))
    broken = [check.name for check in checks if check.state == "error"]
    if as_json:
        typer.echo(json.dumps({"ok": not broken, "version": __version__, "checks": [asdict(each) for each in checks]}))
    else:
        summary = f"broken: {', '.join(broken)}" if broken else "everything needed works"
        typer.echo(f"anymask {__version__}: {summary}")
    if broken:
        raise typer.Exit(1)


def line(check: Check) -> str:
    """What is told of one check: a mark, what was found, and the cure."""
    cure = f"; {check.cure}" if check.cure else ""
    return f"{MARKS[check.state]:5} {check.name:16} {check.found}{cure}"
