"""The embedding: each whole number of the input is replaced by a row of W."""

from __future__ import annotations

import numpy as np

from gradcalc.errors import InputError
from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.shapes import Array, Shape


class Embedding(Layer):
    """a = W[x], W (vocabulary, units); x (N, ...) holds whole numbers from 0, which have no derivative."""

    type = "embedding"

    def __init__(self, name: str, takes: Shape, W: Array) -> None:
        super().__init__(name, (takes,), (*takes, W.shape[1]))
        self.W = W

    @property
    def parameters(self) -> Quantities:
        return {"W": self.W}

    def with_parameters(self, parameters: Quantities) -> Embedding:
        return Embedding(self.name, self.takes[0], parameters["W"])

    def forward(self, *inputs: Array) -> Step:
        """Each entry's row of W. Errors: InputError."""
        (x,) = inputs
        wrong = fault(x, len(self.W))
        if wrong:
            raise InputError(f"layer {self.name}: {wrong}")
        rows = x.astype(np.intp)
        a = self.W[rows]

        def back(da: Array, _: Array | None = None) -> Quantities:
            return {"da": da, "dW": self._gathered(rows, da)}

        return Step(a, {"x": x, "W": self.W, "a": a}, no_slope, back)

    def _gathered(self, rows: Array, da: Array) -> Array:
        """dL/dW: each row of W gathers the derivatives of all places where it was used, added in their order."""
        uses, found = rows.reshape(-1), np.zeros(self.W.shape, da.dtype)
        order = np.argsort(uses, kind="stable")
        if len(order):
            used, starts = np.unique(uses[order], return_index=True)
            found[used] = np.add.reduceat(da.reshape(len(uses), -1)[order], starts, axis=0)
        return found


def fault(x: Array, rows: int) -> str:
    """What is wrong with the first entry that names none of so many rows; empty where all do."""
    wrong = np.argwhere(~((x >= 0) & (x < rows) & (x == np.floor(x))))
    if not len(wrong):
        return ""
    example, *place = map(int, wrong[0])
    where = f"entry {''.join(f'[{i}]' for i in place)} of example {example}" if place else f"example {example}"
    takes = f"takes whole numbers from 0 to {rows - 1}" if rows > 1 else "takes only 0"
    return f"an embedding with {rows} row{'s' * (rows != 1)} {takes}, but {where} is {x[tuple(wrong[0])]:.9g}"


def _build(settings: Settings) -> Embedding:
    units = settings.whole("units") if settings.has("units") else None
    vocabulary = settings.whole("vocabulary") if settings.has("vocabulary") else None
    W = settings.array("weights", (vocabulary, units), ("vocabulary", "units"))
    given = settings.given()
    wrong = "" if given is None else fault(given, len(W))
    if wrong:
        raise settings.wrong_input(f"layer {settings.name}: {wrong}", "words are counted from 0")
    return Embedding(settings.name, settings.shapes[0], W)


ENTRIES = (
    LayerEntry(
        type="embedding",
        title="Rows of a table in place of whole numbers",
        build=_build,
        keys=(
            Key("weights", "array", "W, (vocabulary, units) in either layout", required=True),
            Key("vocabulary", "whole number", "the number of rows; known from the weights where they are given"),
            Key("units", "whole number", "the length of a row; known from the weights where they are given"),
        ),
        forward=("a[t] = W[x[t]], row x[t] of W, counted from 0",),
        backward=("dL/dW[k] = sum of dL/da[t] over all t with x[t] = k", "dL/dx: none, x is made of whole numbers"),
        example="""\
input: [0, 2, 0]
layers:
  - type: embedding
    weights: [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]
upstream: [[1, 2], [3, 4], [5, 6]]
""",
        samples=(
            Sample({"weights": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]}, ((4,),), whole=3),
            Sample({"weights": [[0.1, 0.2, -0.1]]}, ((),), whole=1),
            Sample({"vocabulary": 5, "units": 2, "weights": {"init": "normal"}}, ((6,),), whole=5),
        ),
        quantities=(Quantity("a", "W[x]"), Quantity("dW", "dL/da, added up in the rows W[x]")),
        ranks=(1, 0),
        keeps_rank=False,
        weights=("W",),
        aliases=("lookup",),
        notes=(
            "x holds whole numbers from 0 to vocabulary - 1; it has no derivative, so that there is no dx",
            "dW is dense: a row that no input names has the derivative 0",
        ),
        source="Bengio, Ducharme, Vincent & Jauvin 2003",
    ),
)
