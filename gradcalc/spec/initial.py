"""Initial parameters: the usual random recipes, reproducible by their seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcalc import errors
from gradcalc.errors import SpecError, listed, near, quoted

Array = np.ndarray[Any, np.dtype[np.float64]]

_KEYS = ("init", "scale", "seed", "generator")
_GENERATORS = ("default", "legacy")
_LEGACY_SEEDS = 2**32

_UNIFORM = ("glorot_uniform", "he_uniform", "uniform")
_NORMAL = ("glorot_normal", "he_normal", "normal")
INITS = (*_UNIFORM, *_NORMAL, "zeros")


def initialise(
    shape: tuple[int, ...], fan_in: int, fan_out: int, recipe: dict[str, object], *, path: errors.Path
) -> Array:
    """An array of `shape` by `{init: he_normal, scale: 1, seed: 0, generator: default}`; SpecError with path.

    | init | distribution |
    |---|---|
    | glorot_uniform | U(-w, w), w = scale * sqrt(6 / (fan_in + fan_out))  (Glorot & Bengio 2010, eq. 16) |
    | glorot_normal | N(0, s^2), s = scale * sqrt(2 / (fan_in + fan_out)) |
    | he_uniform | U(-w, w), w = scale * sqrt(6 / fan_in)  (He et al. 2015) |
    | he_normal | N(0, s^2), s = scale * sqrt(2 / fan_in) |
    | normal | N(0, scale^2) |
    | uniform | U(-scale, scale) |
    | zeros | all 0 |

    fan_in is the number of inputs, fan_out of units; normal distributions are not truncated. `shape` is that
    of the array as the user writes it, and numbers are drawn in its row-major order, so that `generator:
    legacy` (NumPy's RandomState) gives what a course's `np.random.seed(seed)` followed by
    `np.random.randn(units, inputs) * scale` gives. Every array has a generator of its own: arrays with the
    same seed begin with the same numbers. Without a seed it is 0: a spec means the same numbers each time.
    """
    name = _checked(recipe, path)
    scale = _scale(recipe.get("scale", 1.0), path)
    generator = _generator(recipe.get("seed", 0), recipe.get("generator", "default"), path)
    width = scale * _width(name, fan_in, fan_out)
    if not math.isfinite(16 * width):  # no draw lies further out
        raise SpecError(f"scale is too large: {scale:g}", path=(*path, "scale"))
    if name in _NORMAL:
        return np.asarray(generator.standard_normal(shape) * width)
    if name in _UNIFORM:
        return np.asarray(generator.uniform(-width, width, shape))
    return np.zeros(shape)


def _width(name: str, fan_in: int, fan_out: int) -> float:
    """Half the width of a uniform distribution, the standard deviation of a normal one, for scale 1."""
    fans = {"glorot": fan_in + fan_out, "he": fan_in}.get(name.partition("_")[0])
    return 1.0 if fans is None else math.sqrt((6 if name in _UNIFORM else 2) / fans)


def _checked(recipe: dict[str, object], path: errors.Path) -> str:
    """The recipe's name; SpecError for words no recipe has."""
    for word in recipe:
        if word not in _KEYS:
            hint = near(word, _KEYS) or f"it has {listed(_KEYS)}"
            raise SpecError(f"an initialisation has no {quoted(word)}", hint=hint, path=(*path, word), at_key=True)
    name = recipe.get("init")
    if not isinstance(name, str) or name not in INITS:
        hint = (near(name, INITS) if isinstance(name, str) else "") or f"there are {listed(INITS)}"
        raise SpecError(f"there is no initialisation {quoted(name)}", hint=hint, path=(*path, "init"))
    return name


def _scale(value: object, path: errors.Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise SpecError(f"scale must be a finite number, at least 0, not {quoted(value)}", path=(*path, "scale"))
    return abs(float(value))  # no -0.0


def _generator(seed: object, kind: object, path: errors.Path) -> np.random.Generator | np.random.RandomState:
    if kind not in _GENERATORS:
        hint = near(str(kind), _GENERATORS) or "legacy is NumPy's RandomState, default its default_rng"
        raise SpecError(
            f"generator must be default or legacy, not {quoted(kind)}", hint=hint, path=(*path, "generator")
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecError(f"seed must be a whole number, at least 0, not {quoted(seed)}", path=(*path, "seed"))
    if kind == "default":
        return np.random.default_rng(seed)
    if seed >= _LEGACY_SEEDS:
        raise SpecError(f"a legacy seed must be below 2**32, not {seed}", path=(*path, "seed"))
    return np.random.RandomState(seed)
