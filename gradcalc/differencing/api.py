"""The API behind `gradcheck`: a spec's gradients, or a function's derivatives, against numerical differentiation."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcalc.backpropagation import BackpropResult, solve
from gradcalc.differencing import network
from gradcalc.differencing.cost import forward_cost
from gradcalc.differencing.judging import Tolerance
from gradcalc.differencing.quantities import Quantity, compared, item
from gradcalc.differencing.records import GradcheckResult
from gradcalc.errors import GradcalcError

if TYPE_CHECKING:
    from gradcalc.evaluation.pointwise import Numbers
    from gradcalc.evaluation.question import Question
    from gradcalc.evaluation.reading import Whole
    from gradcalc.spec.document import Document

#: Relative tolerance of gradients that were computed in float64, and in float32.
RTOL, RTOL_OF_32 = 1e-7, 1e-4

ATOL = 1e-12

#: What float32 does to sums: an entry may be off by so much of the largest.
_ROUNDING_OF_32 = 32 * float(np.finfo(np.float32).eps)

#: A net is sampled where all of its numbers would take more nanoseconds than this; then the sample takes so many.
_TIME = 4e9

#: So many passes does one number take.
_PASSES = 17

#: No sample is smaller.
_LEAST = 2


def gradcheck(
    spec: str | os.PathLike[str] | Mapping[str, Any] | Document,
    *,
    rtol: float | None = None,
    atol: float = ATOL,
    samples: int | None = None,
    seed: int = 0,
    **options: Any,
) -> GradcheckResult:
    """The gradients of a spec's parameters and inputs against differences of its loss.

    `samples` numbers of each quantity are compared, the largest and others drawn by `seed`; without it all are,
    unless that would take long. `options` are those of `gradcalc.spec.load`.
    """
    from gradcalc.spec import load

    loaded = load(spec, **options)
    try:
        return of_result(solve(loaded.problem), rtol=rtol, atol=atol, samples=samples, seed=seed)
    except GradcalcError as error:
        raise loaded.placed(error) from None


def of_result(
    result: BackpropResult, *, rtol: float | None = None, atol: float = ATOL, samples: int | None = None, seed: int = 0
) -> GradcheckResult:
    """The same for a network that is solved."""
    single = result.problem.x.dtype == np.float32
    rtol = rtol if rtol is not None else RTOL_OF_32 if single else RTOL
    found = list(network.quantities(result))
    samples = samples if samples is not None else _affordable(result, found)
    generator = np.random.default_rng(seed)
    items = []
    for quantity in found:
        rounding = _ROUNDING_OF_32 * float(abs(quantity.ours).max(initial=0.0)) if single else 0.0
        positions = _drawn(quantity, samples, generator)
        items.append(item(quantity, compared(quantity, Tolerance(rtol, atol, rounding), positions)))
    sampled = any(one.compared < one.size for one in items)
    return GradcheckResult(
        tuple(items), rtol, atol, "float32" if single else "float64", samples if sampled else None, seed
    )


def _affordable(result: BackpropResult, found: Sequence[Quantity]) -> int | None:
    """How many numbers of each quantity to take, if not all; it depends on the net alone, not on the machine."""
    one = _PASSES * forward_cost(result.problem)
    if one * sum(quantity.variables for quantity in found) <= _TIME:
        return None
    return max(_LEAST, int(_TIME / one / len(found)))


def _drawn(quantity: Quantity, samples: int | None, generator: np.random.Generator) -> list[int]:
    """The positions to compare: the largest number's, and others at random."""
    if samples is None or samples >= quantity.variables:
        return list(range(quantity.variables))
    largest = int(np.nanargmax(np.where(np.isnan(quantity.ours), -1.0, abs(quantity.ours))))
    others = generator.choice(quantity.variables - 1, samples - 1, replace=False)
    return sorted({largest, *(int(i) + (i >= largest) for i in others)})


def gradcheck_function(
    function: str,
    inputs: Any,
    *,
    formula: str | None = None,
    rtol: float = RTOL,
    atol: float = ATOL,
    **asked: Any,
) -> GradcheckResult:
    """The derivative of a function at each of the inputs against differences of its value.

    What is asked has the names `gradcalc.evaluate` uses: parameters, target, target_class, with_, wrt, kink.
    """
    from gradcalc.evaluation.api import items
    from gradcalc.evaluation.question import Question

    question = Question(function, formula=formula, **asked)
    return of_question(question, items(question, inputs), formula, rtol=rtol, atol=atol)


def of_question(
    question: Question,
    inputs: Iterable[Numbers | Whole],
    formula: str | None,
    *,
    rtol: float = RTOL,
    atol: float = ATOL,
) -> GradcheckResult:
    """The same for a question that is read."""
    from gradcalc.differencing import function

    found = [
        item(quantity, compared(quantity, Tolerance(rtol, atol), range(quantity.variables)))
        for quantity in function.quantities(question, inputs, formula)
    ]
    return GradcheckResult(tuple(found), rtol, atol)
