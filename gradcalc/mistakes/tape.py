"""A network's passes as a row of rules, each of which can be changed; all that follows is computed from the change.

This is the only module here that knows how a network is run; it reuses of the right run what a change leaves alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

import numpy as np

from gradcalc.backpropagation import written
from gradcalc.layers.activation import Activation
from gradcalc.layers.base import Layer, Quantities, Step
from gradcalc.network import Problem, activation_of, descend, output_position
from gradcalc.penalty import Penalty
from gradcalc.shapes import Array

#: Where a rule can be changed, in the order of the computation. A change gets (run, position, value), gives the value:
#: input: a layer's x; layer: the layer itself; output: its Step; start: a Start; loss: the whole loss;
#: arriving: (da, dz or None) before a layer's way back; gradients: what its way back gives; final: the same when
#: averaged and with penalties; moved: the layer after the step of descent; shown: its quantities as they are written.
STAGES = ("input", "layer", "output", "start", "loss", "arriving", "gradients", "final", "moved", "shown")

#: The position of what belongs to no layer: the loss and where the way back starts.
WHOLE = -1


class Change(NamedTuple):
    """One changed rule."""

    stage: str
    position: int
    rule: Callable[[Run, int, Any], Any]


class Start(NamedTuple):
    """Where the way back starts: the loss of the data, its derivative by the last output and, if known better, by z."""

    loss: float | None
    da: Array
    dz: Array | None


class Run:
    """One pass under some changes; in a change, what was computed before it can be looked up here."""

    def __init__(self, problem: Problem, layers: list[Layer], changes: Iterable[Change], right: Run | None) -> None:
        self.problem, self.layers, self.right = problem, [*layers], right
        self._given = layers
        self._rules: dict[tuple[str, int], list[Callable[[Run, int, Any], Any]]] = {}
        for change in changes:
            self._rules.setdefault((change.stage, change.position), []).append(change.rule)
        self.inputs: list[tuple[Array, ...]] = []
        self.steps: list[Step] = []
        self.start: Start | None = None
        self.loss: float | None = None
        self.gradients: list[Quantities] = []
        self.final: list[Quantities] = []
        self._moved: list[Layer] | None = None
        self._shown: dict[int, Quantities] = {}
        with np.errstate(all="ignore"):
            self._forward()
            self._start()
            if self.start is not None:
                self._backward(self.start)
                self._finish()

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.problem.x)

    @property
    def last(self) -> int:
        """The position of the layer that makes the output; WHOLE where there is none."""
        return output_position(self.layers) if self.layers else WHOLE

    def penalty(self, penalties: Iterable[Penalty]) -> float:
        """What these penalties add to the loss."""
        return float(sum(penalty.value(self.layers, self.examples) for penalty in penalties))

    def penalized(self, penalties: Iterable[Penalty], position: int) -> Quantities:
        """What these penalties add to the gradients of one layer's parameters."""
        found = [
            {f"d{name}": np.zeros_like(value) for name, value in layer.parameters.items()} for layer in self.layers
        ]
        for penalty in penalties:
            penalty.add_gradients(self.layers, found, self.examples)
        return found[position]

    def z(self, position: int) -> Array:
        """What the layer's function is applied to."""
        quantities = self.steps[position].quantities
        return quantities["z" if "z" in quantities else "x"]

    def activation(self, position: int) -> Activation | None:
        """The layer's function."""
        return activation_of(self.layers[position])

    def previous(self, position: int) -> int | None:
        """The layer whose output this one takes; None where it takes the input."""
        return position - 1 if position else None

    def again(self, position: int, layer: Layer) -> Step:
        """Another layer fed what the one at this position was fed."""
        return layer.forward(*self.inputs[position])

    def quantities(self, position: int) -> Quantities:
        """Everything of one layer, in our own shapes."""
        step = self.steps[position]
        own = {**step.quantities, **self._given[position].parameters}
        return {**own, **(self.final[position] if self.final else step.slope())}

    def changed(self, stage: str, position: int, value: Any) -> Any:
        """The value under the changes of that place."""
        for rule in self._rules.get((stage, position), ()):
            value = rule(self, position, value)
        return value

    def _touched(self, *stages: str) -> bool:
        return any(stage in stages for stage, _ in self._rules)

    def _forward(self) -> None:
        if self.right is not None and not self._touched("input", "layer", "output"):
            self.steps, self.inputs = self.right.steps, self.right.inputs
            return
        x = self.problem.x
        for position, layer in enumerate(self.layers):
            x = self.changed("input", position, x)
            self.layers[position] = self.changed("layer", position, layer)
            self.inputs.append((x,))
            step = self.layers[position].forward(*self.inputs[-1])
            self.steps.append(self.changed("output", position, step))
            x = self.steps[-1].a

    def _start(self) -> None:
        penalty = self.penalty(self.problem.penalties)
        same = self.right is not None and self.steps is self.right.steps
        start = self.right.start if self.right is not None and same else self._started()
        self.start = self.changed("start", WHOLE, start) if start is not None else None
        if self.start is not None and self.start.loss is not None:
            self.loss = self.changed("loss", WHOLE, self.start.loss + penalty)

    def _started(self) -> Start | None:
        problem = self.problem
        if problem.upstream is not None:
            return Start(None, problem.upstream, None)
        if problem.objective is None:
            return None
        if not self.steps:
            return Start(*problem.objective(problem.x, None, None))
        return Start(*problem.objective(self.steps[-1].a, self.activation(self.last), self.z(self.last)))

    def _backward(self, start: Start) -> None:
        last, known = self.last, start.dz
        right = self.right if self.right is not None and self.right.steps is self.steps else None
        same = right is not None and right.start is start
        da = start.da
        found: list[Quantities] = []
        for position in reversed(range(len(self.steps))):
            if right is not None and same and ("arriving", position) not in self._rules:
                gradients = right.gradients[position]
            else:
                arriving = self.changed("arriving", position, (da, known if position == last else None))
                gradients = self.steps[position].back(*arriving)
            gradients = self.changed("gradients", position, gradients)
            found.append(gradients)
            da = gradients["dx"]
            same = right is not None and same and da is right.gradients[position]["dx"]
        self.gradients = found[::-1]

    def _finish(self) -> None:
        problem, count = self.problem, self.examples
        self.final = [dict(found) for found in self.gradients]
        if problem.average_parameters and count > 1:
            for layer, found in zip(self.layers, self.final, strict=True):
                for name in layer.parameters:
                    found[f"d{name}"] = found[f"d{name}"] / count
        for penalty in problem.penalties:
            penalty.add_gradients(self.layers, self.final, count)
        if self.right is not None:
            pairs = zip(self.gradients, self.right.gradients, strict=True)
            kept = [position for position, (own, right) in enumerate(pairs) if own is right]
            for position in kept:  # the right run's own arrays, so that what is unchanged is seen at once
                self.final[position] = dict(self.right.final[position])
        self.final = [self.changed("final", position, found) for position, found in enumerate(self.final)]

    @property
    def moved(self) -> list[Layer]:
        """The layers after the step of descent; none where there is no learning rate."""
        if self._moved is None:
            rate = self.problem.learning_rate
            with np.errstate(all="ignore"):
                moved = [] if rate is None else descend(self._given, self.final, rate)
            self._moved = [self.changed("moved", position, layer) for position, layer in enumerate(moved)]
        return self._moved

    def shown(self, asked: Collection[tuple[str, str]] | None = None) -> dict[tuple[str, str], Array]:
        """Every quantity by layer and letter, in the spec's shapes; the layer of the loss and of the input is empty.

        `asked` says which are needed at least.
        """
        layers = None if asked is None else {layer for layer, _ in asked}
        new = asked is None or any(letter.endswith("_new") for _, letter in asked)
        found: dict[tuple[str, str], Array] = {}
        if self.loss is not None:
            found["", "loss"] = np.asarray(self.loss)
        if not self.layers:
            found["", "a0"] = self.problem.examples.write(self.problem.x)
            if self.start is not None:
                found["", "da0"] = self.problem.examples.write(self.start.da)
        for position, layer in enumerate(self.layers):
            if layers is not None and layer.name not in layers:
                continue
            own = self.changed("shown", position, self._own(position, new))
            found |= {(layer.name, name): array for name, array in own.items()}
        return found

    def _own(self, position: int, new: bool) -> Quantities:
        """One layer's quantities; those of the right run where nothing is changed."""
        right = self.right
        if right is None or right.steps is not self.steps or ("moved", position) in self._rules:
            return self.own(position, new=new)
        final = self.final[position] if self.final else {}  # empty in a forward pass alone
        if any(array is not right.final[position].get(name) for name, array in final.items()):
            return self.own(position, new=new)
        if position not in right._shown:
            right._shown[position] = right.own(position)
        return right._shown[position]

    def own(self, position: int, *, new: bool = True) -> Quantities:
        """One layer's quantities in the spec's shapes, without what changes them when they are written down.

        `new` says whether the parameters after the step are among them.
        """
        moved = self.moved[position] if new and self.moved else None
        return written(self.problem.examples, self.layers[position], self.quantities(position), moved)


class Tape:
    """A problem that can be run again under changes; `right` is its last pass as it should be."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.right = self._passes(())
        self.layers = self.right.layers

    def run(self, changes: Iterable[Change]) -> Run:
        """The last pass under these changes, made in every pass. Errors: InputError where nothing can be computed."""
        if self.problem.steps > 1:
            return self._passes(tuple(changes))
        return Run(self.problem, self.layers, changes, self.right)

    def _passes(self, changes: tuple[Change, ...]) -> Run:
        layers = self.problem.layers
        for _ in range(self.problem.steps - 1):
            layers = Run(self.problem, layers, changes, None).moved
        return Run(self.problem, layers, changes, None)
