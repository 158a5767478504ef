"""The keys of a spec, each declared once: the reader accepts these, the manual lists them."""

from __future__ import annotations

from gradcalc.conventions import OPTIONS
from gradcalc.layers.declaration import Key

_CONVENTION_KEYS = tuple(
    Key(option.name, " | ".join(option.choices), f"{option.title}; wins over the preset") for option in OPTIONS
)

TOP = (
    Key("convention", "name", "a preset of conventions; default where it is left out"),
    *_CONVENTION_KEYS,
    Key("classes_from", "whole number", "the first class label: 0, or 1 where labels start at 1"),
    Key("input", "array", "one example (a flat list or a number) or a batch (a list of lists)", required=True),
    Key("target", "array", "what the output should be, in the input's layout"),
    Key(
        "target_classes",
        "class or list of classes",
        "the right class of each example, or a loss's ignore_index; in place of target",
    ),
    Key("loss", "function", "the loss; with a target"),
    Key("upstream", "array", "dL/da of the last layer, in place of loss and target"),
    Key("regularization", "list of penalties", "terms added to the loss, and their derivatives to dW"),
    Key(
        "learning_rate",
        "number",
        "one step of gradient descent; the new parameters are shown as W_new, b_new",
    ),
    Key("steps", "whole number", "how many steps; tables show the last pass"),
    Key("dtype", "float64 | float32", "the precision of all numbers; float64 where it is left out"),
    Key("layers", "list of layers", "the layers from input to output", required=True),
)

#: What a layer of any type has; `gradcalc.layers` declares the others.
LAYER = (
    Key("name", "name", "letters, digits, _ and -; layer1, layer2, ... where it is left out"),
    Key("type", "type", "the type of the layer; dense where it is left out"),
    Key("inputs", "name or list of names", "the layers (or inputs) it takes; left out: the one before it"),
)

FUNCTION = (
    Key(
        "name",
        "name",
        "the function's name or alias, or the name alone in place of the mapping",
        required=True,
    ),
    Key("kink", "default | left | right | midpoint | undefined", "this function's own choice at kinks"),
)

ACTIVATION = (
    Key("axis", "whole number", "of softmax and its like: the axis of an example it acts along; left out: the last"),
)

FORMULA = (
    Key(
        "formula",
        "formula",
        "in the name's place: of z, or in a loss of a and y; other keys are its parameters",
        required=True,
    ),
)

LOSS = (
    *FUNCTION,
    Key("reduction", "batch_mean | mean | sum", "from the examples' losses to one number"),
    Key("scale", "number", "multiplies the loss of the data"),
    Key(
        "with",
        "mapping",
        "further inputs: weight, one number per output (or class) or per element; other, positive, negative, var as "
        "the loss takes them, shaped as the output, or one for every example",
    ),
)

PENALTY = (
    Key(
        "norm",
        "l2_squared | half_l2_squared | l1 | lp",
        "sum(w^2), half of it, sum(|w|), or the p-norm",
        required=True,
    ),
    Key("strength", "number", "multiplies the norm", required=True),
    Key("p", "number", "the p of lp; 2 where it is left out"),
    Key("per_example", "true | false", "divide by the number of examples, as in lambda/(2m) sum(W^2)"),
    Key("biases", "true | false", "penalise biases too"),
)
