"""Convolution over one axis."""

from __future__ import annotations

from gradcalc.layers.conv import NOTES, QUANTITIES, Conv, build, keys
from gradcalc.layers.declaration import LayerEntry, Sample
from gradcalc.layers.sliding import OVER_ONE


class Conv1d(Conv):
    """Over one axis: x (N, channels, length)."""

    type = "conv1d"


_X = [[0.5, -0.2, 0.3], [0.1, 0.4, -0.6]]

ENTRIES = (
    LayerEntry(
        type="conv1d",
        title="Convolution over one axis",
        build=lambda settings: build(settings, Conv1d),
        keys=keys("whole number", "length", "length"),
        forward=(
            "z[o,t] = b[o] + sum of W[o,c,i] xp[c,s*t+d*i] over c, i",
            "xp: x with the padding's zeros on both sides, s: stride, d: dilation",
            "a = f(z)",
        ),
        backward=(
            "dL/dz = dL/da * f'(z)",
            "dL/dW[o,c,i] = sum of dL/dz[o,t] xp[c,s*t+d*i] over t",
            "dL/db[o] = sum of dL/dz[o,t] over t",
            "dL/dxp[c,p] = sum of W[o,c,i] dL/dz[o,t] over o and all t, i",
            "with s*t+d*i = p",
            "dL/dx = dL/dxp without the padding",
            "dL/dW and dL/db are summed over the examples",
        ),
        example="""\
input: [[1, 2, 0, -1, 3]]     # one example: 1 channel of length 5
layers:
  - type: conv1d
    weights: [[[1, 0, -1]]]   # 1 unit, 1 channel, length 3
    bias: [0.5]
upstream: [[1, 1, 1]]
""",
        samples=(
            Sample({"weights": [_X, _X], "bias": [0.1, -0.3], "activation": "tanh"}, ((2, 6),)),
            Sample(
                {"units": 4, "kernel": 2, "weights": {"init": "normal"}, "groups": 2, "dilation": 2, "padding": "same"},
                ((2, 5),),
            ),
            Sample(
                {"weights": [_X], "bias": 0.5, "stride": 2, "padding": 1, "data_format": "channels_last"}, ((6, 2),)
            ),
            Sample({"weights": [0.5, -0.25], "padding": [2]}, ((1, 3),)),
        ),
        quantities=QUANTITIES,
        **OVER_ONE,
        weights=("W",),
        biases=("b",),
        notes=NOTES,
    ),
)
