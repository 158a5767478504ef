"""References of the losses of the scores of classes."""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from typing import Any

from mpmath import mpf

from references import margin
from references.elementary import exp, log
from references.reference import Reference

_SVM = margin.REFERENCES["svm_loss"]


def _softplus(t: Any) -> Any:
    """log(1 + e^t); what is beyond 5000 cannot be seen in a float."""
    return t if t > 5000 else log(1 + exp(max(t, -5000)))


def _logistic(t: Any) -> Any:
    return 1 / (1 + exp(-min(max(t, -5000), 5000)))


def _chosen(values: list[Any], ties: str) -> list[Any]:
    """The slope of a maximum by each of the values."""
    largest = max(values)
    tied = [i for i, value in enumerate(values) if value == largest]
    tied = tied if ties == "split" else tied[:1]
    return [mpf(1) / len(tied) if i in tied else mpf(0) for i in range(len(values))]


def _without_class(slopes: list[Any], y: int) -> list[Any]:
    return [slope - (i == y) for i, slope in enumerate(slopes)]


def _raised(x: Any, y: int) -> list[Any]:
    return [entry + (i != y) for i, entry in enumerate(x)]


def _rivals(x: Any, y: Any) -> list[Any]:
    return [(1 - t) * a for a, t in zip(x, y, strict=True)]


def _dot(x: Any, y: Any) -> Any:
    return sum((a * t for a, t in zip(x, y, strict=True)), mpf(0))


def _categorical(x: Any, y: Any, ties: str) -> Any:
    margin = max(_rivals(x, y)) - _dot(x, y) + 1
    largest = max(abs(margin), *(abs(a * t) for a, t in zip(x, y, strict=True)), *map(abs, _rivals(x, y)))
    return (margin - largest, largest) if margin > 0 else (mpf(0), largest, -largest)


def _categorical_slope(x: Any, y: Any, ties: str) -> Any:
    """The slope by the margin."""
    margin = max(_rivals(x, y)) - _dot(x, y) + 1
    return mpf(1) if margin > 0 else mpf(0) if margin < 0 or ties == "first" else mpf(1) / 2


def _categorical_gradient(x: Any, y: Any, ties: str) -> list[Any]:
    active, slopes = _categorical_slope(x, y, ties), _chosen(_rivals(x, y), ties)
    return [active * ((1 - t) * slope - t) for slope, t in zip(slopes, y, strict=True)]


def _categorical_by_target(x: Any, y: Any, ties: str) -> list[Any]:
    active, slopes = _categorical_slope(x, y, ties), _chosen(_rivals(x, y), ties)
    return [-active * (a * slope + a) for a, slope in zip(x, slopes, strict=True)]


@cache
def _sparsemax(x: Any) -> list[Any]:
    ordered = sorted(x, reverse=True)
    sums = list(accumulate(ordered))
    count = max(k for k in range(1, len(x) + 1) if 1 + k * ordered[k - 1] > sums[k - 1])
    tau = (sums[count - 1] - 1) / count
    return [max(entry - tau, mpf(0)) for entry in x]


def _sparsemax_loss(x: Any, y: int) -> Any:
    p = _sparsemax(x)
    return sum(share * (entry - x[y]) for share, entry in zip(p, x, strict=True)) + (1 - _dot(p, p)) / 2


def _pairs(x: Any, y: Any) -> list[tuple[int, int]]:
    """Labels and other classes whose margin is not met."""
    labels, others = [j for j, t in enumerate(y) if t], [i for i, t in enumerate(y) if not t]
    return [(j, i) for j in labels for i in others if 1 - (x[j] - x[i]) > 0]


def _multilabel_gradient(x: Any, y: Any) -> list[Any]:
    found = [0] * len(x)
    for j, i in _pairs(x, y):
        found[j] -= 1
        found[i] += 1
    return [mpf(count) / len(x) for count in found]


REFERENCES = {
    "multi_margin": Reference(
        value=lambda x, y, p, margin: _SVM.value(x, y, p, margin) / len(x),
        derivative=lambda x, y, p, margin: [slope / len(x) for slope in _SVM.derivative(x, y, p, margin)],
        by_parameter={
            "p": lambda x, y, p, margin: tuple(t / len(x) for t in _SVM.by_parameter["p"](x, y, p, margin)),
            "margin": lambda x, y, p, margin: _SVM.by_parameter["margin"](x, y, p, margin) / len(x),
        },
        parameters=({}, {"p": 2.0, "margin": 0.3}),
        hard=(
            ({"p": 25.8}, ([-4.3651630750263285e21, -4.36516307e21, -4.3651630744e21, -4.3651630778888387e21], 3)),
            ({"p": 3.0, "margin": -1.9e-63}, ([-4.9e153, 1.5551e154, 5.1e153, 7.9e153], 2)),
            ({"p": 1.7976931348623157e308, "margin": -5e-324}, ([1.0, -2.18e-199, -6.05e-201], 1)),
            (
                {"p": 2.27736780341641e301, "margin": 134.70333598702683},
                (
                    [
                        8.18863120677712e-68,
                        6.251823923636243e-66,
                        3.8961906664420127e-31,
                        -2.0880808029460303e-61,
                        1.981043648993277e-35,
                        2.7278482593271477e-37,
                    ],
                    2,
                ),
            ),
        ),
    ),
    "multiclass_hinge": Reference(
        value=lambda x, y, ties: max(_raised(x, y)) - x[y],
        derivative=lambda x, y, ties: _without_class(_chosen(_raised(x, y), ties), y),
        parameters=({}, {"ties": "first"}),
    ),
    "categorical_hinge": Reference(
        value=_categorical,
        derivative=_categorical_gradient,
        by_target=_categorical_by_target,
        parameters=({}, {"ties": "first"}),
        hard=(
            ({}, ([-1.4834023223706492], [0.49999999999999983])),
            ({}, ([20.184133131134843, 20.184133131134843], [0.0, 1e-20])),
            (
                {"ties": "first"},
                ([-0.25, 9.6857e-250, 9.6857e-250], [1.6e-308, 2.56e-308, 1e-308]),
            ),
        ),
    ),
    "multiclass_perceptron": Reference(
        value=lambda x, y, ties: max(x) - x[y],
        derivative=lambda x, y, ties: _without_class(_chosen(list(x), ties), y),
        parameters=({}, {"ties": "first"}),
    ),
    "multiclass_sparsemax": Reference(value=_sparsemax_loss, derivative=lambda x, y: _without_class(_sparsemax(x), y)),
    "multilabel_margin": Reference(
        value=lambda x, y: sum((1 - (x[j] - x[i]) for j, i in _pairs(x, y)), mpf(0)) / len(x),
        derivative=_multilabel_gradient,
    ),
    "multilabel_soft_margin": Reference(
        value=lambda x, y: sum((1 - t) * _softplus(a) + t * _softplus(-a) for a, t in zip(x, y, strict=True)) / len(x),
        derivative=lambda x, y: [
            ((1 - t) * _logistic(a) / len(x), -t * _logistic(-a) / len(x)) for a, t in zip(x, y, strict=True)
        ],
        by_target=lambda x, y: [-a / len(x) for a in x],
    ),
}
