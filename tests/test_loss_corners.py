"""Losses where a part of the formula overflows and the whole does not: corners that drawn inputs do not reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpmath import fsum, mpf

import references
from gradcalc.functions import find
from gradcalc.functions.entry import ElementwiseLoss, VectorLoss
from gradcalc.numerics import arrays, scalar
from references.ulps import PROMISE, error_of

# e^710 is beyond float64; taking y or 710 y away from it brings it back.
CORNERS: list[tuple[str, dict[str, Any], float, float]] = [
    ("poisson_nll", {}, 710.0, 3e305),
    ("poisson_nll", {}, 710.0, 1e308),
    ("poisson_nll", {}, 712.5, 2.5e306),
    ("poisson_nll", {}, 1e300, 1.0),
    ("poisson_nll", {"full": True}, 710.0, 3e305),
    ("poisson_nll", {"full": True}, 1e300, 2.0),
]


@pytest.mark.parametrize(("name", "given", "x", "y"), CORNERS)
def test_the_whole_is_finite_where_it_is(name: str, given: dict[str, Any], x: float, y: float) -> None:
    entry, reference = find(name), references.of(name)
    assert isinstance(entry, ElementwiseLoss)
    parameters = list(entry.parameters(given).values())
    for kernel, formula in ((entry.value, reference.value), (entry.derivative, reference.derivative)):
        truth = formula(mpf(x), mpf(y), *parameters)
        assert error_of(kernel(scalar, x, y, *parameters), truth) <= PROMISE
        with np.errstate(all="ignore"):
            assert error_of(kernel(arrays, np.array(x), np.array(y), *parameters), truth) <= PROMISE


#: With the relative error that is allowed: beside a root of no simple place what is left is some 2^-54 of its terms.
CANCELLED: list[tuple[str, dict[str, Any], list[float], list[float], float]] = [
    ("softmax_cross_entropy", {}, [1e-200, 0.0], [0.5, 0.5], 1e-12),
    ("softmax_cross_entropy", {}, [1e-10, 0.0], [0.5, 0.5], 1e-12),
    ("softmax_cross_entropy", {}, [5.0, 3.6137056388801094], [0.8, 0.2], 1e-6),
    ("softmax_cross_entropy", {"temperature": 7.0}, [-1e-30, 0.0, 1e-300], [1 / 3] * 3, 1e-12),
    ("softmax_cross_entropy", {"temperature": 0.5}, [1e-12, 0.0], [0.5, 0.5], 1e-12),
    ("softmax_cross_entropy", {"label_smoothing": 0.2}, [1.0986122886681098, -1.0986122886681098], [1.0, 0.0], 1e-6),
    ("softmax_cross_entropy", {"label_smoothing": 1.0}, [1e-12, 0.0, 0.0], [1.0, 0.0, 0.0], 1e-12),
    ("poly_loss", {}, [1e-200, 0.0], [0.5, 0.5], 1e-12),
    ("poly_loss", {"epsilon": 0.3}, [1e-10, 0.0, -1e-10], [1 / 3] * 3, 1e-12),
]


@pytest.mark.parametrize(("name", "given", "x", "y", "bound"), CANCELLED)
def test_what_is_left_of_softmax_beside_soft_targets_is_right(
    name: str, given: dict[str, Any], x: list[float], y: list[float], bound: float
) -> None:
    """Where the terms all but cancel the error is counted by what is left, not by the terms."""
    entry = find(name)
    assert isinstance(entry, VectorLoss)
    parameters = list(entry.parameters(given).values())
    exact = [mpf(number) if isinstance(number, float) else number for number in parameters]
    terms = references.of(name).derivative(tuple(map(mpf, x)), tuple(map(mpf, y)), *exact)
    truth = np.array([float(fsum(term)) for term in terms])
    with np.errstate(all="ignore"):
        for batch in (np.array(x), np.array([x, x])):
            found = entry.gradient(np, batch, np.broadcast_to(y, batch.shape), "default", *parameters)
            assert np.absolute(found - truth).max() <= bound * np.absolute(truth).max()
