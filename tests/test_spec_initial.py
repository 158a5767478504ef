"""Initial parameters: the right distributions, the courses' own numbers, and words no recipe has."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradcalc.errors import SpecError
from gradcalc.spec.initial import INITS, initialise

FAN_IN, FAN_OUT = 300, 100
#: Standard deviation of each recipe at scale 1, by its paper; a uniform one's is half its width / sqrt(3).
DEVIATIONS = {
    "glorot_uniform": math.sqrt(2 / 400),
    "glorot_normal": math.sqrt(2 / 400),
    "he_uniform": math.sqrt(2 / 300),
    "he_normal": math.sqrt(2 / 300),
    "normal": 1.0,
    "uniform": 1 / math.sqrt(3),
    "zeros": 0.0,
}
each_init = pytest.mark.parametrize("init", INITS)


def test_every_recipe_has_a_known_deviation() -> None:
    assert set(INITS) == set(DEVIATIONS)


@pytest.mark.parametrize("generator", ["default", "legacy"])
@each_init
def test_numbers_are_spread_as_the_recipe_says(init: str, generator: str) -> None:
    recipe = {"init": init, "scale": 3, "seed": 5, "generator": generator}
    found = initialise((FAN_IN, FAN_OUT), FAN_IN, FAN_OUT, recipe, path=())
    assert found.shape == (FAN_IN, FAN_OUT) and found.dtype == np.float64
    deviation = 3 * DEVIATIONS[init]
    assert abs(found.mean()) <= 0.03 * deviation  # 5 standard errors of 30,000 numbers
    assert found.std() == pytest.approx(deviation, rel=0.03)
    widest = np.abs(found).max()
    if init.endswith("uniform"):
        assert 0.99 * math.sqrt(3) * deviation < widest <= math.sqrt(3) * deviation
    elif init != "zeros":
        assert widest > 3 * deviation, "a normal distribution is not truncated"


@each_init
def test_a_seed_gives_the_same_numbers_and_is_0_by_default(init: str) -> None:
    def drawn(**more: object) -> list[list[float]]:
        return initialise((2, 3), 2, 3, {"init": init, **more}, path=()).tolist()  # type: ignore[no-any-return]  # tolist

    assert drawn() == drawn(seed=0) == drawn(seed=0, scale=1.0, generator="default")
    if init != "zeros":
        assert drawn(seed=1) != drawn() != drawn(generator="legacy")


def test_legacy_numbers_are_those_of_the_courses() -> None:
    # np.random.seed(1); np.random.randn(2, 3) * 0.01, printed by many a course notebook
    recipe = {"init": "normal", "scale": 0.01, "seed": 1, "generator": "legacy"}
    found = initialise((2, 3), 3, 2, recipe, path=())
    printed = [[0.01624345, -0.00611756, -0.00528172], [-0.01072969, 0.00865408, -0.02301539]]
    assert found == pytest.approx(np.array(printed), abs=5e-9)


def test_numbers_are_drawn_row_by_row_in_the_users_layout() -> None:
    recipe = {"init": "he_normal", "generator": "legacy", "seed": 3}
    flat = initialise((6,), 2, 3, recipe, path=())
    assert initialise((2, 3), 2, 3, recipe, path=()).ravel().tolist() == flat.tolist()
    assert initialise((3, 2), 2, 3, recipe, path=()).ravel().tolist() == flat.tolist()


@pytest.mark.parametrize(
    ("recipe", "path", "words"),
    [
        ({"init": "glorot"}, ("init",), "did you mean glorot_normal or glorot_uniform?"),
        ({"init": "xavier"}, ("init",), "there are glorot_uniform, he_uniform"),
        ({"init": None}, ("init",), "there is no initialisation None"),
        ({"init": ["zeros"]}, ("init",), "there is no initialisation"),
        ({"scale": 1}, ("init",), "there is no initialisation"),
        ({"init": "zeros", "sed": 1}, ("sed",), "has no 'sed'; did you mean seed?"),
        ({"init": "normal", "scale": "big"}, ("scale",), "scale must be a finite number"),
        ({"init": "normal", "scale": True}, ("scale",), "scale must be a finite number"),
        ({"init": "normal", "scale": math.nan}, ("scale",), "scale must be a finite number"),
        ({"init": "normal", "scale": math.inf}, ("scale",), "scale must be a finite number"),
        ({"init": "normal", "scale": -1}, ("scale",), "scale must be a finite number"),
        ({"init": "normal", "seed": -1}, ("seed",), "seed must be a whole number"),
        ({"init": "normal", "seed": 1.5}, ("seed",), "seed must be a whole number"),
        ({"init": "normal", "seed": False}, ("seed",), "seed must be a whole number"),
        ({"init": "normal", "seed": 2**32, "generator": "legacy"}, ("seed",), "below 2**32"),
        ({"init": "normal", "generator": "legcy"}, ("generator",), "did you mean legacy?"),
        ({"init": "normal", "generator": 5}, ("generator",), "generator must be default or legacy, not 5"),
    ],
)
def test_what_no_recipe_has_is_refused(recipe: dict[str, object], path: tuple[str, ...], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        initialise((2, 2), 2, 2, recipe, path=("w",))
    assert words in str(caught.value)
    assert caught.value.path == ("w", *path)
    assert caught.value.at_key == (path == ("sed",))
