"""Losses where a part of the formula overflows and the whole does not: corners that drawn inputs do not reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpmath import mpf

import references
from gradcalc.functions import find
from gradcalc.functions.entry import ElementwiseLoss
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
