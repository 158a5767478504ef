"""Words of the command line as numbers: INPUTs, and the values of options that take numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gradcalc.errors import GradcalcError, InputError, Place, UsageError, quoted
from gradcalc.evaluation.reading import Whole, read_numbers, read_point

if TYPE_CHECKING:
    from collections.abc import Sequence


class Word(NamedTuple):
    """The numbers of one word, and whether they form a vector: several numbers, or brackets."""

    numbers: list[float]
    is_vector: bool


def read_word(text: str, where: str) -> Word:
    """A word's numbers; an error says where the word stood."""
    try:
        word = Word(*read_numbers(text))
    except InputError as error:
        found = _formulas(text, where)
        if found is None:
            raise UsageError(f"{where}: {error.message}", hint=error.hint) from None
        word = found
    if not word.numbers:
        raise UsageError(f"{where}: no number in {quoted(text)}")
    return word


def _formulas(text: str, where: str) -> Word | None:
    """The same for constant formulas such as ln(3) or 1/3; None where the word is meant as something else."""
    from gradcalc.formula.constants import constant, parted  # late: most numbers are plain

    body = text.strip()
    bracketed = body.startswith("[") and body.endswith("]")
    parts = parted(body[1:-1] if bracketed else body)
    if not all(map(_formula_like, parts)):
        return None
    try:
        return Word([constant(part) for part in parts], bracketed or len(parts) > 1)
    except GradcalcError as error:
        if not any(mark in text for mark in "()*/^"):
            return None
        error.message = f"{where}: {error.message}"
        raise


def _formula_like(text: str) -> bool:
    """Whether a text may be a formula: anything without the signs that formulas lack."""
    if not text.isascii() or text.lstrip().startswith(("--", "-+", "+-", "++")):
        return False
    return bool(text.strip()) and not any(mark in text for mark in "[]{}\"'=_")


def parameter_values(texts: dict[str, str]) -> dict[str, object]:
    """Values of parameters: constant formulas become numbers, all else is left to the function to read."""
    return {name: _number_or_text(text) for name, text in texts.items()}


def _number_or_text(text: str) -> object:
    try:
        float(text)
        return text
    except ValueError:
        pass
    if not any(mark in text for mark in "()*/^") and text not in ("pi", "e"):
        return text
    found = _formulas(text, "--param")
    if found is None:
        return text
    return found.numbers if found.is_vector else found.numbers[0]


def read_object(text: str, where: str) -> Whole:
    """A word that is a whole point as a JSON object."""
    try:
        return read_point(text)._replace(place=Place(where))
    except GradcalcError as error:
        raise UsageError(f"{where}: {error.message}", hint=error.hint) from None


def read_rows(text: str, where: str) -> list[list[float]] | None:
    """The rows of a word that is a matrix in brackets; None for any other word."""
    if text.count("[") < 2:
        return None
    from gradcalc.evaluation.matrices import rows_of  # late: few words are matrices

    try:
        return rows_of(text)
    except InputError as error:
        raise UsageError(f"{where}: {error.message}", hint=error.hint) from None


def one_number(text: str, where: str) -> float:
    """A word that must be a single number."""
    word = read_word(text, where)
    if len(word.numbers) != 1:
        raise UsageError(f"{where} is one number, not {quoted(text)}")
    return word.numbers[0]


def values(texts: Sequence[str], option: str, *, empty: bool = False) -> Any:
    """A repeatable option's numbers: one number, or a list of numbers and vectors; None without any.

    `empty` allows [], a vector of nothing.
    """
    words = [Word([], True) if empty and text.strip() == "[]" else read_word(text, option) for text in texts]
    parts = [word.numbers if word.is_vector else word.numbers[0] for word in words]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 and not words[0].is_vector else parts


def rows_or_values(text: str, where: str) -> Any:
    """One word's numbers, or several vectors in brackets of their own."""
    rows = read_rows(text, where)
    return values([text], where) if rows is None else rows


def named(texts: Sequence[str], option: str) -> dict[str, str]:
    """A repeatable option's NAME=VALUE words."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name.strip() and sign and value.strip()):
            raise UsageError(f"{option} takes NAME=VALUE, not {quoted(text)}")
        if name.strip() in found:
            raise UsageError(f"{option}: {name.strip()} is given twice")
        found[name.strip()] = value.strip()
    return found
