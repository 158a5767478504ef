"""What all tests start from: processes that can be interrupted, as a user's can, and that share compiled modules."""

from __future__ import annotations

import os
import signal
import sys


def pytest_configure() -> None:
    """Jobs in the background ignore Ctrl-C and closed terminals; children inherit that, which tests are not about."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    # Some images forbid bytecode: each of the hundreds of processes would compile the whole program again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
