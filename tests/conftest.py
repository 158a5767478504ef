"""What all tests start from: a process that can be interrupted, as a user's can."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """A job in the background of a script ignores Ctrl-C, and its children inherit that: not what tests are about."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
