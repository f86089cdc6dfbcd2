"""Put newly trained weights into the package, with all that depends on them: exports, fits, figures, texts, pictures.

    python scripts/replace_weights.py PHOTOS [--detector RUN/last.pt] [--mask-head RUN/mask_head.pt]
        [--refiner RUN/refiner.pt] [--dry-run]

PHOTOS holds the labelled photographs. What is not given stays. The steps run one after the other, each as the command
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

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = Path("anymask") / "weights"
FIGURES = (Path("docs") / "evaluation.json", Path("docs") / "prompts.json")
TEXTS = (Path("README.md"), WEIGHTS / "MODEL_CARD.md", WEIGHTS / "SHA256SUMS", Path("docs") / "demo.png")
EXPORTED = (WEIGHTS / "default.onnx", WEIGHTS / "mask_head.onnx", WEIGHTS / "refiner.onnx")


def steps(photos: Path, detector: Path | None, mask_head: Path | None, refiner: Path | None) -> list[list[str]]:
    """The commands, in their order."""
    anymask = [sys.executable, "-m", "anymask"]
    evaluate = [*anymask, "evaluate", "--photos", str(photos)]
    commands = []
    for trained, exported in zip((detector, mask_head), EXPORTED, strict=False):
        if trained is not None:
            commands.append([*anymask, "export", str(trained), "--to", str(exported), "--photos", str(photos)])
    if refiner is not None:
        commands.append([*anymask, "export", str(refiner), "--to", str(EXPORTED[2])])
    return [
        *commands,
        [sys.executable, str(Path("scripts") / "write_hashes.py")],
        [*evaluate, "--asked", "4", "--edges", "--to", str(FIGURES[0])],
        [*evaluate, "--collections", "coco,voc", "--prompts", "--to", str(FIGURES[1])],
        [sys.executable, str(Path("scripts") / "write_figures.py")],
        [sys.executable, str(Path("scripts") / "draw_demo.py")],
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--detector", type=Path, default=None, metavar="CHECKPOINT")
    parser.add_argument("--mask-head", type=Path, default=None, metavar="CHECKPOINT")
    parser.add_argument("--refiner", type=Path, default=None, metavar="CHECKPOINT")
    parser.add_argument("--dry-run", action="store_true", help="only print the commands")
    given = parser.parse_args()
    for path in filter(None, (given.photos, given.detector, given.mask_head, given.refiner)):
        if not path.exists():
            parser.error(f"{path}: there is no such file or folder")
    trained = (path and path.resolve() for path in (given.detector, given.mask_head, given.refiner))
    commands = steps(given.photos.resolve(), *trained)
    if given.dry_run:
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
