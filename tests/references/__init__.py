"""The formulas of the catalogue in mpmath, written apart from the program: what its numbers are held against."""

from __future__ import annotations

from references import (
    binary_margin,
    classes,
    classification,
    contrastive,
    counts,
    ctc,
    distances,
    divergence,
    exponential,
    focal,
    gated,
    hard,
    margin,
    norm,
    overlap,
    pairs,
    pooled,
    rectified,
    regression,
    relative,
    relu,
    robust,
    scores,
    shrink,
    sigmoid,
    smooth,
    sparsemax,
    special,
    standardize,
    vector,
)
from references.reference import Reference

FAMILIES = (
    relu, rectified, hard, sigmoid, gated, smooth, shrink, exponential, special, vector, pooled,
    sparsemax, standardize, norm,
    regression, classification, margin,
    robust, relative, binary_margin, counts, focal, divergence, classes, scores, overlap,
    pairs, distances, contrastive, ctc,
)  # fmt: skip


def of(name: str) -> Reference:
    """The reference of a function; a KeyError is a function that has none yet."""
    return {name: reference for family in FAMILIES for name, reference in family.REFERENCES.items()}[name]
