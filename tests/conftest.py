"""What all tests start from: processes that can be interrupted, as a user's can, and that share compiled modules."""

from __future__ import annotations

import os
import signal
import sys


def pytest_configure() -> None:
    """A job in the background of a script ignores Ctrl-C, and its children inherit that: not what tests are about."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Some images forbid bytecode: each of the hundreds of processes would compile the whole program again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
