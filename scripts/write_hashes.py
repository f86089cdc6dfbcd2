"""Write anymask/weights/SHA256SUMS, by which `anymask doctor` knows the weights of the package.

    python scripts/write_hashes.py

`sha256sum --check SHA256SUMS` in that folder reads it too.
"""

import hashlib
from pathlib import Path

WEIGHTS = Path(__file__).resolve().parent.parent / "anymask" / "weights"


def main() -> None:
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(WEIGHTS.glob("*.onnx"))]
    (WEIGHTS / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")


if __name__ == "__main__":
    main()
