"""gradcalc: derivatives of activations, losses and whole networks. Public names are loaded on first use."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
#: The day of this version, which the manual's pages carry.
__released__ = "2026-11-22"

_HOMES = {
    "backprop": "gradcalc.backpropagation",
    "check": "gradcalc.checking.api",
    "evaluate": "gradcalc.evaluation.api",
    "find": "gradcalc.functions",
    "entries": "gradcalc.functions",
    "gradcheck": "gradcalc.differencing.api",
    "gradcheck_function": "gradcalc.differencing.api",
    "load_spec": "gradcalc.spec",
    "GradcalcError": "gradcalc.errors",
}

__all__ = [
    "GradcalcError",
    "__version__",
    "backprop",
    "check",
    "entries",
    "evaluate",
    "find",
    "gradcheck",
    "gradcheck_function",
    "load_spec",
]


def __getattr__(name: str) -> Any:
    """A public name from its home module: importing gradcalc alone costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'gradcalc' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
