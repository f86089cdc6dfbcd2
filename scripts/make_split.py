"""Write data/photos_split.csv: which labelled photo is for training and which is kept out.

    python scripts/make_split.py ../shared/photos data/photos_split.csv

A group never straddles the two sides: identical files (any set), one facade capture, one CamVid sequence.
A group is kept out when the SHA-256 of its name falls into the lowest tenth, so adding photos moves no old one.
CamVid is three sequences only: the one whose size is nearest a tenth of the set is kept out.
Photos that data/photos_left_out.csv names, each with its reason, are on neither side.
"""

import csv
import hashlib
import re
import sys
from collections import Counter
from pathlib import Path

KEPT_OUT_FRACTION = 0.1
LEFT_OUT = Path(__file__).resolve().parent.parent / "data" / "photos_left_out.csv"
CAPTURE = re.compile(r"^[a-z]+__(?P<capture>.+?)_(?:scaled|png|jpg|jpeg)", re.IGNORECASE)


def group_of(collection: str, file_name: str, content_hash: str) -> str:
    """The name of what must stay on one side: a capture, a sequence, or the content itself."""
    if collection == "facades":
        match = CAPTURE.match(file_name)
        if match is None:
            raise ValueError(f"facades/{file_name}: expected <part>__<capture>_scaled..., cannot tell its capture")
        return f"facades:{match['capture']}"
    if collection == "camvid":
        return f"camvid:{file_name.split('_')[0]}"
    return f"content:{content_hash[:16]}"


def below_fraction(group: str) -> bool:
    """Whether the hash of ``group`` falls into the lowest KEPT_OUT_FRACTION of all hashes."""
    return int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) < KEPT_OUT_FRACTION * 2**32


def left_out() -> set[tuple[str, str]]:
    """(collection, file name) of every photo that is not to be used."""
    with LEFT_OUT.open(newline="", encoding="utf-8") as stream:
        return {(row["collection"], row["file_name"]) for row in csv.DictReader(stream)}


def main(photos: Path, split_file: Path) -> None:
    unusable = left_out()
    rows = []
    for path in sorted(photos.glob("*/images/*.jpg")):
        content_hash = hashlib.sha256(path.read_bytes()).hexdigest()
        collection = path.parent.parent.name
        if (collection, path.name) in unusable:
            continue
        rows.append((collection, path.name, content_hash, group_of(collection, path.name, content_hash)))

    if not rows:  # rather than an empty file in the place of the old one
        raise SystemExit(f"{photos}: expected <collection>/images/*.jpg in it, found none")

    sequences = Counter(group for collection, _, _, group in rows if collection == "camvid")
    wanted = KEPT_OUT_FRACTION * sum(sequences.values())
    kept_sequence = min(sequences, key=lambda group: abs(sequences[group] - wanted), default="")

    with split_file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["collection", "file_name", "sha256", "group", "side"])
        for collection, file_name, content_hash, group in rows:
            kept = group == kept_sequence if collection == "camvid" else below_fraction(group)
            # 16 hex digits tell 4,565 photos apart and keep the file small
            writer.writerow([collection, file_name, content_hash[:16], group, "kept_out" if kept else "train"])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("give the folder of the photos and the file to write: make_split.py PHOTOS FILE")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
