"""The list of functions as a whole, then derivatives against differences, then known numbers."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest
from mpmath import mpf

import references
from further_inputs import further_of
from gradcalc.errors import InputError, UsageError
from gradcalc.functions import entries, find
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Entry, VectorActivation, VectorLoss, VectorToScalar
from gradcalc.numerics import scalar
from references.measure import quantities, settings
from references.ulps import PROMISE, ulps, unit_of

each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)

# The catalogue's contract for this program so far: canonical names, aliases, and defaults.
CONTRACT = {
    "identity": ("linear", {}),
    "step": ("heaviside unit_step", {"at_zero": 1}),
    "relu": ("rectifier", {}),
    "leaky_relu": ("lrelu", {"alpha": 0.01}),
    "prelu": ("parametric_relu", {"alpha": 0.25}),
    "sign": ("", {}),
    "relu6": ("", {}),
    "relu_general": ("", {"negative_slope": 0, "max_value": None, "threshold": 0}),
    "rrelu": ("", {"lower": 1 / 8, "upper": 1 / 3}),
    "threshold": ("", {"theta": 0, "value": 0}),
    "elu": ("", {"alpha": 1}),
    "celu": ("", {"alpha": 1}),
    "selu": ("", {}),
    "gelu": ("", {}),
    "gelu_tanh": ("", {}),
    "silu": ("swish", {"beta": 1}),
    "quick_gelu": ("", {}),
    "log_sigmoid": ("logsigmoid log_expit", {}),
    "hard_sigmoid": ("", {}),
    "hard_sigmoid_onnx": ("", {"alpha": 0.2, "beta": 0.5}),
    "sparse_sigmoid": ("", {}),
    "hard_tanh": ("hardtanh", {"min_val": -1, "max_val": 1}),
    "tanhshrink": ("", {}),
    "softshrink": ("", {"lambd": 0.5}),
    "hardshrink": ("", {"lambd": 0.5}),
    "softplus": ("", {"beta": 1}),
    "squareplus": ("", {"b": 4}),
    "sparse_plus": ("", {}),
    "softsign": ("soft_sign", {}),
    "hard_silu": ("hardswish hard_swish", {}),
    "mish": ("", {}),
    "exponential": ("", {}),
    "logit": ("", {}),
    "log1mexp": ("", {}),
    "erf": ("", {}),
    "ndtr": ("", {}),
    "log_ndtr": ("", {}),
    "entr": ("", {}),
    "softmin": ("", {}),
    "logsumexp": ("", {}),
    "logmeanexp": ("", {}),
    "sparsemax": ("projection_simplex", {"ties": "first"}),
    "glu": ("", {}),
    "standardize": ("", {"eps": 1e-5}),
    "sigmoid": ("logistic expit", {}),
    "tanh": ("hyperbolic_tangent", {}),
    "softmax": ("", {}),
    "log_softmax": ("", {}),
    "squared_error": ("square squared_loss", {}),
    "half_squared_error": ("half_square l2_loss", {}),
    "mean_squared_error": ("mse", {}),
    "mean_half_squared_error": ("squared_norm", {}),
    "sum_half_squared_error": ("half_sse", {}),
    "absolute_error": ("absolute linear_loss l1 l1_loss", {}),
    "mean_absolute_error": ("mae", {}),
    "binary_cross_entropy": ("nll bce log_loss", {"label_smoothing": 0, "clip": None}),
    "bce_with_logits": (
        "sigmoid_cross_entropy sigmoid_binary_cross_entropy",
        {"pos_weight": 1, "label_smoothing": 0},
    ),
    "cross_entropy": ("nllm ce categorical_cross_entropy", {"normalize": False, "clip": None}),
    "softmax_cross_entropy": (
        "ce_with_logits cross_entropy_with_logits",
        {"label_smoothing": 0, "temperature": 1},
    ),
    "svm_loss": ("svm weston_watkins", {"p": 1, "margin": 1}),
    "hinge": ("hinge_loss", {"labels": "pm1"}),
    "lp_norm": ("norm pnorm", {"p": 2, "ties": "split"}),
    "huber": ("", {"delta": 1}),
    "smooth_l1": ("", {"beta": 1}),
    "pseudo_huber": ("", {"delta": 1}),
    "log_cosh": ("", {"a": 1}),
    "squared_hinge": ("", {"labels": "pm1"}),
    "perceptron": ("", {"labels": "pm1"}),
    "binary_sparsemax": ("", {}),
    "soft_margin": ("", {}),
    "hinge_embedding": ("", {"margin": 1, "labels": "pm1"}),
    "poisson_nll": ("", {"full": False}),
    "poisson": ("", {"eps": 0, "full": False}),
    "gaussian_nll": ("", {"var": 1, "eps": 1e-6, "full": False}),
    "sigmoid_focal": ("", {"gamma": 2, "alpha": None}),
    "binary_focal": ("", {"gamma": 2, "alpha": None}),
    "mape": ("", {"eps": 1e-7}),
    "msle": ("", {"offset": 1, "clip": None}),
    "kl_div": ("", {"log_target": False}),
    "rel_entr": ("", {}),
    "generalized_kl": ("", {}),
    "nll_loss": ("", {"ignore_index": None}),
    "sparse_softmax_cross_entropy": ("", {"ignore_index": None}),
    "kl_divergence": ("", {}),
    "kl_divergence_log": ("", {}),
    "kl_divergence_log_targets": ("", {}),
    "generalized_kl_divergence": ("", {}),
    "poly_loss": ("", {"epsilon": 2}),
    "categorical_focal": ("", {"gamma": 2, "alpha": 0.25, "normalize": False}),
    "generalized_cross_entropy": ("", {"q": 0.5}),
    "multi_margin": ("", {"p": 1, "margin": 1}),
    "multiclass_hinge": ("", {"ties": "split"}),
    "categorical_hinge": ("", {"ties": "split"}),
    "multiclass_perceptron": ("", {"ties": "split"}),
    "multiclass_sparsemax": ("", {}),
    "multilabel_margin": ("", {}),
    "multilabel_soft_margin": ("", {}),
    "cosine_similarity": ("", {"eps": 0}),
    "cosine_distance": ("", {"eps": 0}),
    "tversky": ("", {"alpha": 0.5, "beta": 0.5, "smooth": 0}),
    "dice": ("", {"smooth": 0, "squared": False}),
    "margin_ranking": ("", {"margin": 0}),
    "pairwise_distance": ("", {"p": 2, "eps": 1e-6}),
    "triplet_margin": ("", {"margin": 1, "p": 2, "eps": 1e-6, "swap": False, "eps_to": "difference"}),
    "cosine_embedding": ("", {"margin": 0, "eps": 0}),
    "ntxent": ("", {"temperature": 0.07, "eps": 0}),
    "circle": ("", {"gamma": 80, "margin": 0.4}),
    "ctc": ("", {"blank": 0, "zero_infinity": False}),
}


def test_the_contract_of_the_catalogue_holds() -> None:
    for name, (aliases, defaults) in CONTRACT.items():
        entry = find(name)
        assert entry.name == name
        assert all(find(alias) is entry for alias in aliases.split())
        assert entry.parameters({}) == defaults
    assert find("Leaky-ReLU").param("negative_slope").name == "alpha"
    assert find("svm").param("delta").name == "margin"
    assert find("softshrink").param("threshold").name == "lambd"
    assert find("threshold").param("threshold").name == "theta"


def test_no_name_is_used_twice() -> None:
    owner: dict[str, Entry] = {}
    for entry in entries():
        for name in (entry.name, *entry.aliases):
            assert owner.setdefault(name, entry) is entry, f"{name!r} also names {owner[name].name}"


@each_entry
def test_a_function_says_what_it_is(entry: Entry) -> None:
    texts = [entry.name, entry.title, entry.formula, entry.derivative_formula, entry.source]
    assert all(texts)
    texts += [*entry.aliases, *entry.notes, *(text for p in entry.params for text in (p.name, p.doc, p.domain.text))]
    texts += [kink.when for kink in getattr(entry, "kinks", ())]
    assert all(text.isascii() and text.isprintable() for text in texts)
    assert entry.sample[0] < entry.sample[1]
    logits = getattr(entry, "logits", "")
    assert not logits or find(logits).name == logits


@each_entry
def test_defaults_are_inside_their_domains(entry: Entry) -> None:
    for param in entry.params:
        assert param.read(param.default, entry.name) == param.default
        if isinstance(param.default, float):
            assert param.default in param.domain
            with pytest.raises(InputError, match="must be"):
                param.read("many", entry.name)


def test_what_is_no_function_or_parameter_is_named_with_what_is_near() -> None:
    with pytest.raises(UsageError) as caught:
        find("sigmoind")
    assert "sigmoid" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        find("leaky_relu").parameters({"alfa": 1})
    assert "alpha" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("softmax_cross_entropy", {"temperature": 0}),
        ("bce", {"clip": 0.5}),
        ("bce", {"label_smoothing": 1.5}),
        ("lp_norm", {"p": 0}),
        ("svm_loss", {"p": 0.5}),
        ("hinge", {"labels": "10"}),
        ("cross_entropy", {"normalize": "maybe"}),
        ("leaky_relu", {"alpha": "nan"}),
        ("celu", {"alpha": 0}),
        ("softplus", {"beta": 0}),
        ("squareplus", {"b": -1}),
        ("hardshrink", {"lambd": -0.5}),
        ("standardize", {"eps": -1e-5}),
        ("sparsemax", {"ties": "last"}),
    ],
)
def test_parameters_outside_their_domain_are_refused(name: str, given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(given))):
        find(name).parameters(given)


def test_the_targets_of_the_hinge_go_by_its_labels() -> None:
    hinge = find("hinge")
    assert isinstance(hinge, ElementwiseLoss)
    assert 0.0 not in hinge.targets(hinge.parameters({}))
    assert 0.0 in hinge.targets(hinge.parameters({"labels": "01"}))
    assert -1.0 not in hinge.targets(hinge.parameters({"labels": "01"}))


@each_entry
def test_both_number_systems_agree(entry: Entry) -> None:
    """Each is within the promise of the truth, so that twice as many units may lie between them."""
    if not isinstance(entry, Elementwise | ElementwiseLoss):
        return
    for setting, quantity in itertools.product(settings(entry), quantities(entry)):
        found = zip(setting.on_math(quantity), setting.on_arrays(quantity), setting.exact, strict=True)
        for alone, together, exact in found:
            if alone == together or abs(alone - together) <= PROMISE * math.ulp(alone):
                continue  # beside a root the unit is larger: what the terms are is asked where it may matter
            unit = unit_of(quantity.formula(*exact))
            assert ulps(together, mpf(alone), unit) <= 2 * PROMISE, (quantity.name, setting.given, exact)


def _difference(function: Any, x: float, step: float) -> float:
    """The central difference of fourth order."""
    ahead = function(x + step) - function(x - step)
    return (8 * ahead - (function(x + 2 * step) - function(x - 2 * step))) / (12 * step)


@each_entry
def test_derivatives_are_those_of_the_value(entry: Entry) -> None:
    if not isinstance(entry, Elementwise | ElementwiseLoss):
        return
    draw = random.Random(entry.name)
    low, high = entry.sample
    for given in references.of(entry.name).parameters:
        parameters = [*further_of(entry).values(), *entry.parameters(given).values()]
        for _ in range(20):
            x = draw.uniform(low, high)
            others: tuple[float, ...] = ()
            if isinstance(entry, ElementwiseLoss):
                others = (draw.choice(entry.targets(entry.parameters(given)).members or (0.0, 0.3, 1.0)),)
            if any(abs(x - kink.at(*others, *parameters)) < 0.01 for kink in entry.kinks):
                continue
            step = 1e-3 * min(1.0, *(abs(x - end) for end in (entry.domain.low, entry.domain.high)))
            slope = _difference(lambda x: entry.value(scalar, x, *others, *parameters), x, step)  # noqa: B023  # called at once
            bend = _difference(lambda x: entry.derivative(scalar, x, *others, *parameters), x, step)  # noqa: B023  # called at once
            assert entry.derivative(scalar, x, *others, *parameters) == pytest.approx(slope, rel=1e-8, abs=1e-9)
            assert entry.second(scalar, x, *others, *parameters) == pytest.approx(bend, rel=1e-8, abs=1e-9)


@each_entry
def test_gradients_are_those_of_the_value(entry: Entry) -> None:
    if not isinstance(entry, VectorToScalar | VectorLoss | VectorActivation):
        return
    draw = np.random.default_rng(3)
    for given in references.of(entry.name).parameters:
        if 10 < given.get("p", 0.0) < math.inf:
            continue  # a power so steep that the differences say nothing
        parameters = list(entry.parameters(given).values())
        x = draw.uniform(0.3, 0.7, 6)
        held = _target(entry, draw)
        moves = np.eye(6) * 1e-4

        def value(x: Any, held: Any = held, parameters: Any = parameters) -> Any:
            with np.errstate(all="ignore"):
                return entry.value(np, x, *held, *parameters)

        columns = [(8 * (value(x + h) - value(x - h)) - (value(x + 2 * h) - value(x - 2 * h))) / 12e-4 for h in moves]
        expected = np.stack(columns, axis=-1)
        if isinstance(entry, VectorActivation):
            got = entry.jacobian(np, x, *parameters)
        else:
            with np.errstate(all="ignore"):
                got = entry.gradient(np, x, *held, "default", *parameters)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10)


def _target(entry: Entry, draw: np.random.Generator) -> tuple[Any, ...]:
    if not isinstance(entry, VectorLoss):
        return ()
    return (np.array(2),) if entry.takes == "class" else (draw.random(6),)


KNOWN = [
    ("gelu", {}, (1.0,), 0.84134474606854295, 1.0833154705876863),
    ("gelu", {}, (-9.0,), -1.015729565358456583e-18, -9.138937373906639e-18),
    ("gelu_tanh", {}, (1.0,), 0.84119199060827670, 1.08296408384578256),
    ("hard_silu", {}, (-1.5,), -0.375, 0.0),
    ("elu", {}, (-40.0,), -1.0, 4.248354255291589e-18),
    ("softplus", {}, (-745.0,), 5e-324, 5e-324),
    ("squareplus", {}, (-1e9,), 1e-9, 1e-18),
    ("tanhshrink", {}, (1e-4,), 3.3333333200000005e-13, 9.9999999333333347e-9),
    ("logit", {}, (0.75,), math.log(3), 16 / 3),
    ("sparse_plus", {}, (0.5,), 0.5625, 0.75),
    ("log_ndtr", {}, (-1e7,), -5e13 - 17.037034, 1e7 + 1e-7),
    ("sigmoid", {}, (0.5,), 0.6224593312018546, 0.2350037122015945),
    ("sigmoid", {}, (-745.0,), 5e-324, 5e-324),
    ("tanh", {}, (300.0,), 1.0, 4 * math.exp(-600)),
    ("relu", {}, (3.0,), 3.0, 1.0),
    ("leaky_relu", {}, (-2.0,), -0.02, 0.01),
    ("squared_error", {}, (3.0, 1.0), 4.0, 4.0),
    ("half_squared_error", {}, (3.0, 1.0), 2.0, 2.0),
    ("absolute_error", {}, (3.0, 1.0), 2.0, 1.0),
    ("binary_cross_entropy", {}, (0.8, 1.0), 0.2231435513142097, -1.25),
    ("bce_with_logits", {}, (0.0, 1.0), math.log(2), -0.5),
    ("bce_with_logits", {}, (-40.0, 0.0), 4.248354255291589e-18, 4.248354255291589e-18),
    ("hinge", {}, (0.5, -1.0), 1.5, 1.0),
    ("hinge", {"labels": "01"}, (0.5, 0.0), 1.5, 1.0),
]


@pytest.mark.parametrize(("name", "given", "point", "value", "derivative"), KNOWN)
def test_known_numbers(name: str, given: dict[str, Any], point: Any, value: float, derivative: float) -> None:
    entry = find(name)
    assert isinstance(entry, Elementwise | ElementwiseLoss)
    parameters = list(entry.parameters(given).values())
    assert entry.value(scalar, *point, *parameters) == pytest.approx(value, rel=1e-14, abs=0.0)
    assert entry.derivative(scalar, *point, *parameters) == pytest.approx(derivative, rel=1e-14, abs=0.0)


KNOWN_VECTORS = [
    ("dice", {}, ([0.5, 0.5], [1.0, 0.0]), 0.5, [-0.75, 0.25]),
    ("multi_margin", {}, ([1.0, 2.0, 3.0], 0), 5 / 3, [-2 / 3, 1 / 3, 1 / 3]),
    ("multiclass_hinge", {}, ([1.0, 2.0, 3.0], 0), 3.0, [-1.0, 0.0, 1.0]),
    ("cosine_similarity", {}, ([3.0, 4.0], [1.0, 0.0]), 0.6, [0.128, -0.096]),
    ("multiclass_sparsemax", {}, ([1.0, 2.0, 1.5], 0), 1.0625, [-1.0, 0.75, 0.25]),
    ("mse", {}, ([1.0, 4.0], [0.0, 2.0]), 2.5, [1.0, 2.0]),
    ("squared_norm", {}, ([1.0, 4.0], [0.0, 2.0]), 1.25, [0.5, 1.0]),
    ("half_sse", {}, ([1.0, 4.0], [0.0, 2.0]), 2.5, [1.0, 2.0]),
    ("mae", {}, ([1.0, 4.0], [0.0, 6.0]), 1.5, [0.5, -0.5]),
    ("lp_norm", {}, ([3e200, 4e200],), 5e200, [0.6, 0.8]),
    ("lp_norm", {"p": 1}, ([3.0, -4.0],), 7.0, [1.0, -1.0]),
    ("lp_norm", {"p": math.inf}, ([3.0, -4.0],), 4.0, [0.0, -1.0]),
    (
        "softmax_cross_entropy",
        {},
        ([40.0, 0.0], [1.0, 0.0]),
        4.248354255291589e-18,
        [-4.248354255291589e-18, 4.248354255291589e-18],
    ),
    ("cross_entropy", {}, ([0.7, 0.2, 0.1], [1.0, 0.0, 0.0]), 0.35667494393873245, [-1 / 0.7, 0.0, 0.0]),
    ("cross_entropy", {"normalize": True}, ([0.5, 1.0], [1.0, 0.0]), math.log(3), [-2 + 1 / 1.5, 1 / 1.5]),
    ("svm_loss", {}, ([3.2, 5.1, -1.7], 0), 2.9, [-1.0, 1.0, 0.0]),
    ("svm_loss", {"p": 2}, ([1.0, 2.0, 3.0], 0), 13.0, [-10.0, 4.0, 6.0]),
]


@pytest.mark.parametrize(("name", "given", "point", "value", "gradient"), KNOWN_VECTORS)
def test_known_vectors(name: str, given: dict[str, Any], point: Any, value: float, gradient: list[float]) -> None:
    entry = find(name)
    assert isinstance(entry, VectorToScalar | VectorLoss)
    parameters = list(entry.parameters(given).values())
    arguments = [np.array(part) for part in point]
    assert entry.value(np, *arguments, *parameters) == pytest.approx(value, rel=1e-14)
    assert entry.gradient(np, *arguments, "default", *parameters) == pytest.approx(gradient, rel=1e-14)
