"""Where courses disagree: each disagreement an option with named choices, each course a preset that sets them."""

from __future__ import annotations

from typing import NamedTuple

from gradcalc.errors import UsageError, near, quoted, simplified


class Option(NamedTuple):
    """One disagreement: its key in a spec, its choices with their meaning, and what it is about."""

    name: str
    title: str
    choices: dict[str, str]


class Convention(NamedTuple):
    """How one course or library does things. `bias` "first" keeps it inside W; `classes_from` is the first label."""

    name: str
    data: str
    layout: str
    reduction: str
    average: str
    kink: str
    source: str
    bias: str = "separate"
    classes_from: int = 0
    note: str = ""


OPTIONS = (
    Option(
        "data",
        "where examples stand",
        {
            "rows": "one example a row: x is (examples, inputs)",
            "columns": "one example a column: x is (inputs, examples)",
        },
    ),
    Option(
        "layout",
        "the shape of W",
        {"in_out": "W is (inputs, units), z = x W + b", "out_in": "W is (units, inputs), z = x W^T + b"},
    ),
    Option(
        "reduction",
        "from the losses of the examples to one number",
        {
            "batch_mean": "elementwise losses are summed over the outputs, then the mean over the examples",
            "mean": "the mean over all elements; losses of a whole example are averaged over the examples",
            "sum": "the sum over everything",
        },
    ),
    Option(
        "average",
        "where the division by the number of examples N sits",
        {
            "loss": "in the loss: da, dz, dW and db all carry 1/N",
            "parameters": "in dW and db alone: da and dz belong to one example's loss",
        },
    ),
    Option(
        "kink",
        "the derivative shown where it jumps",
        {
            "default": "each function's documented choice, which is PyTorch's",
            "left": "the left one: ReLU'(0) = 0",
            "right": "the right one: ReLU'(0) = 1",
            "midpoint": "their mean: ReLU'(0) = 1/2",
            "undefined": "NaN",
        },
    ),
    Option(
        "bias",
        "where the bias is kept",
        {"separate": "in b", "first": "in W: its first column (out_in) or first row (in_out)"},
    ),
)

CONVENTIONS = (
    Convention(
        "default", "rows", "in_out", "batch_mean", "loss", "default",
        source="this manual: z = x W + b, sums over outputs, means over examples",
    ),
    Convention(
        "mit-6390", "columns", "in_out", "sum", "loss", "right",
        source="MIT 6.390 (6.036) Explanatory Notes, Fall 2022",
        note="kink as in its notes, where ReLU' = step; its code computes z > 0, which is left",
    ),
    Convention(
        "cs231n", "rows", "in_out", "batch_mean", "loss", "default",
        source="Stanford CS231n assignments 1 and 2",
        note="its penalty is reg*sum(W^2) in assignment 1 (l2_squared), half of it in 2 (half_l2_squared)",
    ),
    Convention(
        "deeplearning-ai", "columns", "out_in", "batch_mean", "parameters", "default",
        source="deeplearning.ai Deep Learning Specialization, courses 1 and 2 (Ng)",
        note="dZ and dA stay per example, 1/m appears in dW and db only",
    ),
    Convention(
        "coursera-ml", "rows", "out_in", "batch_mean", "parameters", "default",
        source="Coursera Machine Learning, exercise 4 in Octave (Ng)",
        bias="first",
        classes_from=1,
        note="Theta is (units, 1 + inputs) with the bias in column 1",
    ),
    Convention(
        "nielsen", "columns", "out_in", "batch_mean", "parameters", "default",
        source="Nielsen, Neural Networks and Deep Learning, chapters 1 to 3",
        note="the gradients of the examples are summed, then divided by their number in the update",
    ),
    Convention(
        "udl", "columns", "out_in", "sum", "loss", "left",
        source="Prince, Understanding Deep Learning, chapter 7",
        note="least squares without the half; the ReLU's indicator is 0 at 0",
    ),
    Convention(
        "cmu-11785", "rows", "out_in", "mean", "loss", "default",
        source="CMU 11-785 Introduction to Deep Learning, homework 1 from Fall 2023",
        note="the bias is written (units, 1)",
    ),
    Convention(
        "cmu-11785-f22", "rows", "out_in", "mean", "parameters", "default",
        source="CMU 11-785 Introduction to Deep Learning, homework 1 of Fall 2022",
        note="Linear.backward divides dW and db by N",
    ),
    Convention(
        "pytorch", "rows", "out_in", "mean", "loss", "default",
        source="PyTorch: torch.nn.Linear, and losses with reduction='mean'",
    ),
    Convention(
        "keras", "rows", "in_out", "mean", "loss", "default",
        source="Keras 3: layers.Dense, and losses averaged over the last axis and the batch",
    ),
)  # fmt: skip


def find_convention(name: str) -> Convention:
    """The preset of that name; UsageError with near names where there is none."""
    for convention in CONVENTIONS:
        if simplified(name) == simplified(convention.name):
            return convention
    known = [c.name for c in CONVENTIONS]
    raise UsageError(
        f"there is no convention {quoted(name)}",
        hint=near(name, known) or "'gradcalc list conventions' names them all",
    )
