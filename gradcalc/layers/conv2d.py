"""Convolution over two axes."""

from __future__ import annotations

from gradcalc.layers.conv import NOTES, QUANTITIES, Conv, build, keys
from gradcalc.layers.declaration import LayerEntry, Sample
from gradcalc.layers.sliding import OVER_TWO


class Conv2d(Conv):
    """Over two axes: x (N, channels, height, width)."""

    type = "conv2d"


_X = [[0.5, -0.2, 0.3], [0.1, 0.4, -0.6]]

ENTRIES = (
    LayerEntry(
        type="conv2d",
        title="Convolution over two axes",
        build=lambda settings: build(settings, Conv2d),
        keys=keys("whole number | list", "height and width, or one number for both", "height, width"),
        forward=(
            "z[o,h,w] = b[o] + sum of W[o,c,i,j] xp[c,s*h+d*i,s*w+d*j] over c, i, j",
            "xp: x with the padding's zeros around it, s: stride, d: dilation",
            "a = f(z)",
        ),
        backward=(
            "dL/dz = dL/da * f'(z)",
            "dL/dW[o,c,i,j] = sum of dL/dz[o,h,w] xp[c,s*h+d*i,s*w+d*j] over h, w",
            "dL/db[o] = sum of dL/dz[o,h,w] over h, w",
            "dL/dxp[c,p,q] = sum of W[o,c,i,j] dL/dz[o,h,w] over all o and all",
            "h, w, i, j with s*h+d*i = p and s*w+d*j = q",
            "dL/dx = dL/dxp without the padding",
            "dL/dW and dL/db are summed over the examples",
        ),
        example="""\
input:                            # one example: 1 channel of 3 x 3
  - [[1, 2, 0], [0, 1, 3], [2, 1, 1]]
layers:
  - type: conv2d
    activation: relu
    weights: [[[[1, 0], [0, -1]]]]  # 1 unit, 1 channel, 2 x 2
    bias: [0.5]
upstream: [[[1, 1], [1, 1]]]
""",
        samples=(
            Sample({"weights": [[_X, _X], [_X, _X]], "bias": [[0.1, -0.3]], "activation": "tanh"}, ((2, 4, 4),)),
            Sample(
                {
                    "units": 4,
                    "kernel": [2, 3],
                    "weights": {"init": "normal"},
                    "groups": 2,
                    "dilation": [2, 1],
                    "padding": [1, 2],
                },
                ((2, 4, 3),),
            ),
            Sample(
                {
                    "weights": [[_X, _X]],
                    "bias": 0.5,
                    "stride": [2, 1],
                    "padding": "same",
                    "data_format": "channels_last",
                    "activation": {"name": "prelu", "alpha": [0.1]},
                },
                ((5, 4, 2),),
            ),
            Sample({"weights": _X, "padding": "valid"}, ((1, 3, 3),)),
        ),
        quantities=QUANTITIES,
        **OVER_TWO,
        weights=("W",),
        biases=("b",),
        notes=NOTES,
    ),
)
