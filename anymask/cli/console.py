"""What commands say: on stderr lines, log records and progress bars, all on one console so that none breaks another;
on stdout tables.
"""

import logging

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from anymask.errors import printable
from anymask.evaluate.tables import Table as Figures

console = Console(stderr=True)
WIDEST = 1000  # columns: no table is wider


def say(line: str) -> None:
    """Print on one line, never wrapped, which controls no terminal; a bar that is shown moves below it."""
    console.print(printable(line), highlight=False, markup=False, emoji=False, soft_wrap=True)


def progress_bar(*, hidden: bool = False) -> Progress:
    """A bar that goes away when it is done. Without a terminal nothing is shown."""
    is_hidden = hidden or not console.is_terminal
    # Were stdout redirected, what a command prints there would go to the bar's console
    return Progress(console=console, transient=True, disable=is_hidden, redirect_stdout=False)


def show(table: Figures, title: str | None = None) -> None:
    """Print a table of figures on stdout, neither cut nor folded, however narrow the terminal."""
    shown = Table(title=title, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for column, heading in enumerate(table.head):
        shown.add_column(heading, justify="right" if column else "left", no_wrap=True)
    for row in table.rows:
        shown.add_row(*row)
    output = Console()
    needed = output.measure(shown, options=output.options.update(max_width=WIDEST)).maximum
    Console(width=max(output.width, needed)).print(shown, crop=False)


class LineHandler(logging.Handler):
    """Prints log records, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        say(f"anymask: {self.format(record)}")
