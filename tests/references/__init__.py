"""The formulas of the catalogue in mpmath, written apart from the program: what its numbers are held against."""

from __future__ import annotations

from references import classification, margin, norm, regression, relu, sigmoid, vector
from references.reference import Reference

FAMILIES = (relu, sigmoid, vector, norm, regression, classification, margin)


def of(name: str) -> Reference:
    """The reference of a function; a KeyError is a function that has none yet."""
    return {name: reference for family in FAMILIES for name, reference in family.REFERENCES.items()}[name]
