"""Group normalisation: each example's channels in groups, each by its own mean and variance."""

from __future__ import annotations

from gradcalc.layers.activation import Activation
from gradcalc.layers.centred import BACKWARD, FORWARD, NOTES, Centred, quantities
from gradcalc.layers.declaration import Key, LayerEntry, Sample, Settings
from gradcalc.layers.norm import AFFINE_NOTE, COMMON, PENALTY_NOTE, Affine, affine_keys, eps_key
from gradcalc.layers.per_channel import channel_activation, read_per_channel
from gradcalc.layers.sliding import DATA_FORMAT, Grid, read_grid
from gradcalc.shapes import Array


class GroupNorm(Centred):
    """Over all places of the channels of a group."""

    type = "group_norm"

    def __init__(
        self, name: str, grid: Grid, affine: Affine, activation: Activation | None, eps: float, groups: int
    ) -> None:
        super().__init__(name, grid.shape(grid.channels, grid.size), affine, activation, eps)
        self.grid, self.groups = grid, groups

    def rows(self, x: Array) -> Array:
        """(N, groups, numbers of a group)."""
        return self.grid.channels_first(x).reshape(len(x), self.groups, -1)

    def joined(self, rows: Array) -> Array:
        return self.grid.given_back(rows.reshape(len(rows), self.grid.channels, *self.grid.size))


def _build(settings: Settings) -> GroupNorm:
    grid, groups = read_grid(settings), settings.whole("groups")
    if grid.channels % groups:
        raise settings.error(
            f"layer {settings.name}: {grid.channels} channels do not fall into {groups} equal groups",
            f"groups must divide the channels of {settings.sources[0]}",
            key="groups",
        )
    affine, activation = read_per_channel(settings, grid), channel_activation(settings, grid)
    return GroupNorm(settings.name, grid, affine, activation, settings.real("eps", least=0), groups)


ENTRIES = (
    LayerEntry(
        type="group_norm",
        title="Group normalisation",
        build=_build,
        keys=(
            Key("groups", "whole number", "into how many groups the channels fall", required=True),
            *affine_keys("channel"),
            eps_key("added to the variance"),
            DATA_FORMAT,
        ),
        forward=("mean and var over the n numbers of a group of channels, for each example by itself", *FORWARD),
        backward=BACKWARD,
        example="""\
input: [[1, 3, 2, 6]]   # a batch of one example: 4 channels of a single number
layers:
  - {type: group_norm, groups: 2, gamma: [1, 1, 2, 2]}
upstream: [[1, 0, 0, 1]]
""",
        samples=(
            Sample({"groups": 2}, ((4,),)),
            Sample({"groups": 3, "gamma": [1.5, -0.5, 2], "beta": [0.1, 0.2, -0.3]}, ((3, 2, 2),)),
            Sample({"groups": 1, "activation": {"name": "prelu", "alpha": [0.1, 0.2, 0.3]}}, ((3, 2),)),
            Sample(
                {
                    "groups": 2,
                    "gamma": [1, 2, 0.5, 1],
                    "data_format": "channels_last",
                    "activation": "tanh",
                    "eps": 0.1,
                },
                ((3, 2, 4),),
            ),
        ),
        quantities=(*COMMON, *quantities("a group, (examples, groups)", examples=True)),
        biases=("gamma", "beta"),
        aliases=("groupnorm", "group_normalization"),
        notes=(
            "groups: 1 is layer normalisation over all of an example; a group per channel is instance normalisation",
            "eps is 1e-5 in PyTorch, 1e-3 in Keras",
            "examples are (channels, ...), and an input of more axes than one is a batch of them",
            *NOTES,
            AFFINE_NOTE,
            PENALTY_NOTE,
        ),
        source="Wu & He 2018",
    ),
)
