"""The program's entry point: what `gradcalc` and `python -m gradcalc` run."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave with its exit code. Ctrl-C is 130 from the first import on.

    By then everything is flushed and closed, so the interpreter's teardown is left out: it takes longer than most
    answers do.
    """
    gc.set_threshold(100_000)  # a start makes many objects and no garbage
    try:
        from gradcalc.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    os._exit(code)


if __name__ == "__main__":
    main()
