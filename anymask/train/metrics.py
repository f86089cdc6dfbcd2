"""What a run measured: one JSON line per report, TensorBoard's events where it is installed, and curves."""

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

from anymask.errors import WeightsError
from anymask.files import replace_file
from anymask.train.curves import draw_curves

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

Row = dict[str, float]


class Metrics:
    """The files ``<model>_metrics.jsonl``, ``<model>_curves.png`` and ``<model>_tensorboard/`` in the folder of a run.

    start: the step at which the run begins or goes on; rows of later steps, which a killed run wrote, are dropped, so
        that no step is there twice.

    Raises:
        WeightsError: a file cannot be written.
    """

    def __init__(self, folder: Path, model: str, start: int) -> None:
        self._curves = folder / f"{model}_curves.png"
        path = folder / f"{model}_metrics.jsonl"
        self.rows = [row for row in read_metrics(path) if row["step"] <= start]
        lines = "".join(json.dumps(row) + "\n" for row in self.rows)
        replace_file(path, lambda stream: stream.write(lines.encode()))
        self._path = path
        self._board: SummaryWriter | None = None
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils import tensorboard

            self._board = tensorboard.SummaryWriter(folder / f"{model}_tensorboard", purge_step=start + 1)

    def add(self, row: Row) -> None:
        """Append what was measured at ``row["step"]``, a multiple of the loop's REPORT_EVERY."""
        self.rows.append(row)
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
        except OSError as error:
            raise WeightsError(f"{self._path}: cannot be written ({error}); make room there") from error
        if self._board is not None:
            for name, value in row.items():
                if name != "step":
                    self._board.add_scalar(name, value, int(row["step"]))

    def draw(self) -> None:
        """Draw the curves of all rows anew, where there are two or more."""
        if len(self.rows) > 1:
            picture = draw_curves(self.rows)
            replace_file(self._curves, lambda stream: picture.save(stream, "png"))
        if self._board is not None:
            self._board.flush()

    def close(self) -> None:
        """Draw once more, and end TensorBoard's file."""
        self.draw()
        if self._board is not None:
            self._board.close()


def read_metrics(path: Path) -> list[Row]:
    """The rows of a file of metrics, none where there is no file; a line that was left half written is skipped."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and "step" in row:
            rows.append(row)
    return rows
