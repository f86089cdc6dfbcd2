"""``anymask compare``: two evaluations side by side."""

from pathlib import Path
from typing import Annotated

import typer

from anymask.cli.console import show


def compare(
    a: Annotated[Path, typer.Argument(metavar="A.json", help="What `anymask evaluate --details` or `--to` wrote.")],
    b: Annotated[Path, typer.Argument(metavar="B.json", help="The same of another run.")],
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write every figure as Markdown and HTML.")] = None,
) -> None:
    """Compare two evaluations: every figure that both have, and whether it differs by more than chance."""
    from anymask.evaluate.comparison import by_figure, comparison_report, differences, notes, read
    from anymask.evaluate.report import write

    documents = read(a), read(b)
    found = differences(*documents)
    for note in notes(*documents):
        typer.echo(note)
    show(by_figure([each for each in found if each.is_main]), f"A: {a}, B: {b}")
    typer.echo(f"{len(found)} figures compared; those by size of each group are in the report (--report DIR)")
    if report is not None:
        write(report, "comparison", comparison_report(*documents, found, (a.name, b.name)))
