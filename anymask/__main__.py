"""The ``anymask`` program, also as ``python -m anymask``: the command line, or what is missing to have one."""

import sys

from anymask.errors import REINSTALL


def main() -> None:
    """Run the command line. Even `anymask doctor` needs the packages that draw tables and read options."""
    try:
        from anymask.cli import main as run
    except ImportError as error:
        package = (error.name or "a package").partition(".")[0]
        reason = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be imported ({error})"
        print(f"anymask: {package} {reason}; {REINSTALL}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    run()


if __name__ == "__main__":
    main()
