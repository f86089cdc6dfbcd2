"""Put newly trained weights into the package, with all that depends on them: exports, fits, figures, texts, pictures.

    python scripts/replace_weights.py PHOTOS [--detector RUN/last.pt] [--mask-head RUN/mask_head.pt]
        [--refiner RUN/refiner.pt] [--classifier RUN/classifier.pt] [--wordnet FOLDER] [--dry-run]

PHOTOS holds the labelled photographs. What is not given stays, but for the classifier: it is fitted to what detector
and mask head find, so where one of these changes and no classifier is given, one is trained. WORDNET is the folder with
WordNet's files, from which the table of nouns is made anew. The steps run one after the other, each as the command
it prints, and the first that fails, or Ctrl-C, ends it; the old files are then back in their places. It takes hours on
two cores.
"""

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = Path("anymask") / "weights"
FIGURES = tuple(Path("docs") / name for name in ("evaluation.json", "prompts.json", "words.json"))
NOUNS = Path("anymask") / "words" / "nouns.json.gz"
TEXTS = (Path("README.md"), WEIGHTS / "MODEL_CARD.md", WEIGHTS / "SHA256SUMS", Path("docs") / "demo.png", NOUNS)
EXPORTED = tuple(WEIGHTS / f"{name}.onnx" for name in ("default", "mask_head", "refiner", "classifier"))
RUN = Path("build") / "classifier"  # where one is trained


class Given(NamedTuple):
    """Checkpoints, and the folder of WordNet's files."""

    detector: Path | None
    mask_head: Path | None
    refiner: Path | None
    classifier: Path | None
    wordnet: Path | None


def steps(photos: Path, given: Given) -> list[list[str]]:
    """The commands, in their order."""
    anymask = [sys.executable, "-m", "anymask"]
    evaluate = [*anymask, "evaluate", "--photos", str(photos)]
    commands = []
    for trained, exported in zip((given.detector, given.mask_head), EXPORTED, strict=False):
        if trained is not None:
            commands.append([*anymask, "export", str(trained), "--to", str(exported), "--photos", str(photos)])
    if given.refiner is not None:
        commands.append([*anymask, "export", str(given.refiner), "--to", str(EXPORTED[2])])
    if given.wordnet is not None:
        commands.append([sys.executable, str(Path("scripts") / "make_noun_table.py"), str(given.wordnet)])
    classifier = given.classifier
    if classifier is None and any((given.detector, given.mask_head, given.wordnet)):
        commands.append(
            [*anymask, "train", "--model", "classifier", "--checkpoints", str(RUN), "--photos", str(photos)]
        )
        classifier = RUN / "classifier.pt"
    if classifier is not None:
        commands.append([*anymask, "export", str(classifier), "--to", str(EXPORTED[3])])
    return [
        *commands,
        [sys.executable, str(Path("scripts") / "write_hashes.py")],
        [*evaluate, "--asked", "4", "--edges", "--to", str(FIGURES[0])],
        [*evaluate, "--collections", "coco,voc", "--prompts", "--to", str(FIGURES[1])],
        [*evaluate, "--collections", "coco,voc", "--words", "--asked", "0", "--to", str(FIGURES[2])],
        [sys.executable, str(Path("scripts") / "write_figures.py")],
        [sys.executable, str(Path("scripts") / "draw_demo.py")],
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    for name in Given._fields:
        metavar = "FOLDER" if name == "wordnet" else "CHECKPOINT"
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, default=None, metavar=metavar)
    parser.add_argument("--dry-run", action="store_true", help="only print the commands")
    arguments = parser.parse_args()
    given = Given(*(getattr(arguments, name) for name in Given._fields))
    for path in filter(None, (arguments.photos, *given)):
        if not path.exists():
            parser.error(f"{path}: there is no such file or folder")
    commands = steps(arguments.photos.resolve(), Given(*(path and path.resolve() for path in given)))
    if arguments.dry_run:
        print("\n".join(map(shlex.join, commands)))
        return
    files = (*EXPORTED, *FIGURES, *TEXTS)
    with tempfile.TemporaryDirectory() as kept:
        there = [(ROOT / file).exists() for file in files]
        for number, file in enumerate(files):
            if there[number]:
                shutil.copy(ROOT / file, Path(kept) / str(number))
        try:
            for command in commands:
                print(f"$ {shlex.join(command)}", flush=True)
                if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
                    raise SystemExit(f"the command above ended with exit code {code}; all files are as they were")
        except BaseException:
            for number, file in enumerate(files):
                if there[number]:
                    shutil.copy(Path(kept) / str(number), ROOT / file)
                else:
                    (ROOT / file).unlink(missing_ok=True)
            raise


if __name__ == "__main__":
    main()
