"""The program's entry point: what `gradcalc` and `python -m gradcalc` run."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code. Ctrl-C is 130 from the first import on."""
    try:
        from gradcalc.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
