"""The known mistakes, the plainest first: where several give the same numbers, the first of them is named."""

from __future__ import annotations

from gradcalc.errors import UsageError, near, quoted, simplified
from gradcalc.mistakes import forward, kinks, objectives, penalties, products, scaling, sequences, slopes, sums
from gradcalc.mistakes.entry import Mistake

MISTAKES = (
    scaling.SIGN,
    products.TRANSPOSED,
    slopes.MISSING,
    scaling.NOT_AVERAGED,
    scaling.AVERAGED_TWICE,
    penalties.MISSING,
    penalties.FACTOR,
    penalties.ON_BIAS,
    objectives.LOG_BASE,
    scaling.FACTOR,
    sums.BIAS_NOT_SUMMED,
    sums.WEIGHTS_NOT_SUMMED,
    sums.OVER_UNITS,
    slopes.AT_OUTPUT,
    slopes.OUTPUT_AS_INPUT,
    kinks.KINK,
    slopes.ELEMENTWISE,
    forward.TWICE,
    forward.PREACTIVATION,
    forward.NO_BIAS,
    sums.NOT_TRANSPOSED,
    sums.ONE_OUTPUT,
    sequences.NOT_CARRIED,
    sequences.OTHER_ORDER,
    sequences.SCALE,
    sequences.UNMASKED,
    sequences.HELD,
    products.UPDATED_FIRST,
    objectives.SWAPPED,
    products.NEW_GIVEN,
    products.WEIGHTS_GIVEN,
    products.OF_OTHER,
    forward.FLIPPED,
    objectives.MARGIN,
    objectives.WRONG_LOSS,
)


def find_mistake(name: str) -> Mistake:
    """The mistake of that name. Errors: UsageError with near names."""
    for mistake in MISTAKES:
        if simplified(mistake.name) == simplified(name):
            return mistake
    names = [mistake.name for mistake in MISTAKES]
    raise UsageError(
        f"there is no mistake {quoted(name)}", hint=near(name, names) or "'gradcalc list mistakes' names them"
    )
