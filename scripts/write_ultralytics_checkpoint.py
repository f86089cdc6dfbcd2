"""Have an ultralytics write a checkpoint of our weights, in its own classes: what users' files look like.

    pip install --target ULTRALYTICS --no-deps ultralytics==8.0.120 [and what it imports, see docs/fastsam.md]
    python scripts/write_ultralytics_checkpoint.py WEIGHTS --ultralytics ULTRALYTICS --to CHECKPOINT.pt

WEIGHTS is a .pt or .safetensors file in FastSAM's structure, such as `anymask export RUN/last.pt --to WEIGHTS.pt`
writes; the network's size and its bins (`reg_max`) are those of the file. Any ultralytics from 8.0.120 will do.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def in_ultralytics(folder: Path, *arguments: str) -> None:
    """Run ultralytics_program.py where the ultralytics in ``folder`` can be imported; SystemExit where that fails."""
    if not (folder / "ultralytics").is_dir():
        raise SystemExit(f"{folder}: expected a folder that ultralytics was installed into, see docs/fastsam.md")
    with tempfile.TemporaryDirectory() as settings:
        environment = {**os.environ, "PYTHONPATH": str(folder.resolve()), "YOLO_CONFIG_DIR": settings}
        program = [sys.executable, str(ROOT / "scripts" / "ultralytics_program.py")]
        if code := subprocess.run([*program, *arguments], env=environment, check=False).returncode:
            raise SystemExit(f"{folder}: ultralytics ended with exit code {code}, see above")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--ultralytics", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--to", type=Path, required=True, metavar="CHECKPOINT")
    given = parser.parse_args()
    if not given.weights.is_file():
        parser.error(f"{given.weights}: there is no such file")
    in_ultralytics(given.ultralytics, "write", str(given.weights.resolve()), str(given.to.resolve()))


if __name__ == "__main__":
    main()
