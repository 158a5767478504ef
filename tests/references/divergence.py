"""References of the divergences; 0 * log(0) is 0."""

from __future__ import annotations

from typing import Any

from mpmath import inf, mpf

from references.elementary import exp, log
from references.reference import Reference


def _log(x: Any) -> Any:
    return log(x) if x > 0 else -inf


def _kl_terms(x: Any, y: Any, log_target: bool) -> tuple[Any, ...]:
    if log_target:
        return (exp(y) * (y - x),)
    return (y * log(y), -y * x) if y else (mpf(0),)


def _kl_by_target(x: Any, y: Any, log_target: bool) -> Any:
    return exp(y) * (y - x + 1) if log_target else (_log(y), -x, mpf(1))


def _entropy(x: Any, y: Any) -> Any:
    if not y:
        return mpf(0)
    return y * log(y / x) if x else inf


def _over(y: Any, x: Any) -> Any:
    return y / x if x else (inf if y else mpf(0))


def _log_over(y: Any, x: Any) -> Any:
    """log(y / x), NaN for 0 / 0."""
    if not x:
        return inf if y else mpf("nan")
    return _log(y / x)


def _each(term: Any) -> Any:
    return lambda x, y: [term(a, t) for a, t in zip(x, y, strict=True)]


def _summed(terms: Any) -> Any:
    return lambda x, y: tuple(term for a, t in zip(x, y, strict=True) for term in terms(a, t))


REFERENCES = {
    "kl_div": Reference(
        value=_kl_terms,
        derivative=lambda x, y, log_target: -exp(y) if log_target else -y,
        second=lambda x, y, log_target: 0,
        by_target=_kl_by_target,
        parameters=({}, {"log_target": True}),
        hard=(({}, (709.7799999999996, 8.899999999999997e307)),),
    ),
    "rel_entr": Reference(
        value=_entropy,
        derivative=lambda x, y: -y / x,
        second=lambda x, y: y / x**2,
        by_target=lambda x, y: (_log_over(y, x), mpf(1)),
    ),
    "generalized_kl": Reference(
        value=lambda x, y: _entropy(x, y) - y + x,
        derivative=lambda x, y: 1 - y / x,
        second=lambda x, y: y / x**2,
        by_target=lambda x, y: _log_over(y, x),
        hard=(
            ({}, (331.89849641515434, 732.9834060999901)),
            ({}, (3.6700490901352163, 10.278626807352635)),
        ),
    ),
    "kl_divergence": Reference(
        value=_summed(lambda x, y: (_entropy(x, y),)),
        derivative=_each(lambda x, y: -_over(y, x)),
        by_target=_each(lambda x, y: (_log_over(y, x), mpf(1))),
    ),
    "kl_divergence_log": Reference(
        value=_summed(lambda x, y: _kl_terms(x, y, False)),
        derivative=_each(lambda x, y: -y),
        by_target=_each(lambda x, y: _kl_by_target(x, y, False)),
    ),
    "kl_divergence_log_targets": Reference(
        value=_summed(lambda x, y: _kl_terms(x, y, True)),
        derivative=_each(lambda x, y: -exp(y)),
        by_target=_each(lambda x, y: _kl_by_target(x, y, True)),
        hard=(({}, ([9.257562077107467e187, 9.257562077107467e187], [9.257562006404304e187, 9.257562077107468e187])),),
    ),
    "generalized_kl_divergence": Reference(
        value=_summed(lambda x, y: (*_kl_terms(x, y, False), exp(x), -y)),
        derivative=_each(lambda x, y: (exp(x), -y)),
        by_target=_each(lambda x, y: (_log(y), -x)),
    ),
}
