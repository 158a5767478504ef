"""Layer normalisation: each example by its own mean and variance."""

from __future__ import annotations

from gradcalc.layers.activation import Activation
from gradcalc.layers.along_axis import AXIS, from_rows, read_along, read_axis, to_rows
from gradcalc.layers.centred import BACKWARD, FORWARD, NOTES, Centred, quantities
from gradcalc.layers.declaration import LayerEntry, Sample, Settings
from gradcalc.layers.norm import AFFINE_NOTE, COMMON, PENALTY_NOTE, Affine, affine_keys, eps_key
from gradcalc.shapes import Array, Shape


class LayerNorm(Centred):
    """Along an axis of an example, or over all of it (None)."""

    type = "layer_norm"

    def __init__(
        self, name: str, shape: Shape, affine: Affine, activation: Activation | None, eps: float, axis: int | None
    ) -> None:
        super().__init__(name, shape, affine, activation, eps)
        self.axis = axis

    def rows(self, x: Array) -> Array:
        return to_rows(x, self.axis)

    def joined(self, rows: Array) -> Array:
        return from_rows(rows, self.axis, self.takes[0])


def _build(settings: Settings) -> LayerNorm:
    (shape,), axis = settings.shapes, read_axis(settings)
    affine, activation = read_along(settings, axis), settings.activation(shape)
    return LayerNorm(settings.name, shape, affine, activation, settings.real("eps", least=0), axis)


ENTRIES = (
    LayerEntry(
        type="layer_norm",
        title="Layer normalisation",
        build=_build,
        keys=(*affine_keys("number that is normalised"), eps_key("added to the variance"), AXIS),
        forward=("mean and var over the n numbers along the axis, for each example by itself", *FORWARD),
        backward=BACKWARD,
        example="""\
input: [1, 2, 6]
layers:
  - {type: layer_norm, gamma: [1, 2, 0.5], beta: [0, 0, 1]}
upstream: [1, 0, 2]
""",
        samples=(
            Sample({}, ((4,),)),
            Sample({"gamma": [1.5, -0.5, 2], "beta": [0.1, 0.2, -0.3]}, ((2, 3),)),
            Sample({"gamma": {"init": "normal", "seed": 1}, "axis": "all", "activation": "tanh"}, ((2, 3, 2),)),
            Sample({"gamma": 1.5, "beta": [[0.5], [1], [0.2]], "axis": 0, "eps": 0.1}, ((3, 2),)),
            Sample({"activation": {"name": "prelu", "alpha": [0.1, 0.2, 0.3]}}, ((3,),)),
            Sample({"beta": [1.5]}, ((1,),)),
        ),
        quantities=(*COMMON, *quantities("what is normalised together", examples=True)),
        biases=("gamma", "beta"),
        aliases=("layernorm", "layer_normalization"),
        notes=(
            "eps is 1e-5 in PyTorch, 1e-3 in Keras",
            "axis: all over an image is PyTorch's normalized_shape (channels, height, width); gamma has that shape too",
            "over a single number x_hat and dx are 0",
            *NOTES,
            AFFINE_NOTE,
            PENALTY_NOTE,
        ),
        source="Ba, Kiros & Hinton 2016",
    ),
)
