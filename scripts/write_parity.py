"""Write what compare_fastsam.py measured, docs/fastsam_parity.json, as tables into docs/fastsam.md.

The tables replace what stands between the two marks <!-- parity --> and <!-- /parity -->.
"""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "docs" / "fastsam_parity.json"
TEXT = ROOT / "docs" / "fastsam.md"
MARKS = re.compile(r"(<!-- parity -->\n).*?(<!-- /parity -->)", re.DOTALL)

Row = dict[str, Any]


def share(value: float | None) -> str:
    """An IoU; a share that is not quite all of it is not rounded up to all."""
    return "" if value is None else f"{min(value, 0.9999) if value < 1 else 1:.4f}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a Markdown table whose first column is text."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def label(row: Row) -> str:
    """What was compared, on which photos."""
    photos = "photos as they are" if row["as_they_are"] else "photos prepared"
    return f"{row['name']}, {row['image_size']} px, above {row['conf']:g}, {photos}"


def apart(rows: list[Row], which: str) -> list[str]:
    """How far both programs' detections are from each other: with our ways ("ours"), or with all of them off."""
    head = ["", "masks", "pairs", "score", "box, px", "identical masks", "median IoU"]
    head += ["large masks", "their least IoU", "exceptions"]
    lines = []
    for row in rows:
        of = row[which]
        lines.append(
            [
                *(label(row), f"{of['theirs']}, {of['ours']}", str(of["pairs"]), f"{of['score']:.1e}"),
                f"{of['box']:.1e}" if of["box"] < 0.05 else f"{of['box']:.1f}",
                *(
                    str(of["identical"]),
                    share(of["median_iou"]),
                    str(of["large"]),
                    share(of["least_iou_large"]),
                    str(of["misses"]),
                ),
            ]
        )
    return table(head, lines)


def causes(rows: list[Row]) -> list[str]:
    """How many exceptions there are, and how many are left without each of our ways."""
    ways = list(rows[0]["left_without"])
    lines = [
        [
            *(label(row), str(row["ours"]["misses"])),
            *(str(row["left_without"][way]) for way in ways),
            str(row["unexplained"]),
        ]
        for row in rows
    ]
    return table(["", "exceptions", *(f"without {way}" for way in ways), "unexplained"], lines)


def tables(rows: list[Row]) -> str:
    """The whole text between the marks."""
    parts = [
        ("As this package does it:", apart(rows, "ours")),
        ("With all of its ways switched off:", apart(rows, "all_off")),
        ("Exceptions that are left when one way is switched off:", causes(rows)),
    ]
    return "\n".join(line for text, lines in parts for line in (text, "", *lines, ""))


def main() -> None:
    before = TEXT.read_text(encoding="utf-8")
    text = tables(json.loads(MEASURED.read_text(encoding="utf-8")))
    after, count = MARKS.subn(lambda match: match[1] + text + match[2], before)
    if count != 1:
        raise SystemExit(f"{TEXT}: expected one pair of marks <!-- parity --> <!-- /parity -->, got {count}")
    TEXT.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
