"""What commands say on stderr: lines, log records and progress bars, all on one console so that none breaks another."""

import logging

from rich.console import Console
from rich.progress import Progress

console = Console(stderr=True)


def say(line: str) -> None:
    """Print on one line, never wrapped; a bar that is shown moves below it."""
    console.print(" ".join(line.splitlines()), highlight=False, markup=False, emoji=False, soft_wrap=True)


def progress_bar(*, hidden: bool = False) -> Progress:
    """A bar that goes away when it is done. Without a terminal nothing is shown."""
    is_hidden = hidden or not console.is_terminal
    # Were stdout redirected, what a command prints there would go to the bar's console
    return Progress(console=console, transient=True, disable=is_hidden, redirect_stdout=False)


class LineHandler(logging.Handler):
    """Prints log records, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        say(f"anymask: {self.format(record)}")
