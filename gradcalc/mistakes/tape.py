"""A network's passes as a row of rules, each of which can be changed; all that follows is computed from the change.

This is the only module here that knows how a network is run; it reuses of the right run what a change leaves alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

import numpy as np

from gradcalc.layer_results import input_results, written
from gradcalc.layers.activation import Activation
from gradcalc.layers.base import Layer, Quantities, Step
from gradcalc.network import (
    Problem,
    Source,
    Term,
    combine,
    descend,
    output_position,
    penalise,
    sent_back,
    spread,
    total,
    with_terms,
)
from gradcalc.objective import LossGradient, Objective
from gradcalc.penalty import Penalty
from gradcalc.shapes import Array

#: Where a rule can be changed, in the order of the computation. A change gets (run, position, value), gives the value:
#: input: a layer's x, where it is one; layer: the layer itself; output: its Step; start: a Start; loss: the whole loss;
#: arriving: (da, dz or None) before a layer's way back; gradients: what its way back gives; final: the same when
#: averaged and with penalties; moved: the layer after the step of descent; shown: its quantities as they are written.
STAGES = ("input", "layer", "output", "start", "loss", "arriving", "gradients", "final", "moved", "shown")

#: Changes there are made when something is written down: the training goes on as it should.
_WRITTEN = ("loss", "shown")

#: So many passes tell apart mistakes that change what is learned.
_TOLD_APART_BY = 2

#: The position of what belongs to no layer: the loss and where the way back starts.
WHOLE = -1

#: The position of the first input of several; those of the others are below it.
INPUTS = -2


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
        self.problem, self.layers, self.right, self.given_layers = problem, [*layers], right, layers
        self._rules: dict[tuple[str, int], list[Callable[[Run, int, Any], Any]]] = {}
        for change in changes:
            self._rules.setdefault((change.stage, change.position), []).append(change.rule)
        self.inputs: list[tuple[Array, ...]] = []
        self.steps: list[Step] = []
        self.start: Start | None = None
        self.loss: float | None = None
        self.gradients: dict[int, Quantities] = {}
        self._terms: dict[int, list[Term]] = {}
        self._sent: dict[int, list[tuple[Source, Term]]] = {}
        self.arrived: list[list[Term]] = []
        self.combined: list[Quantities] = []
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
        return output_position(self.problem) if self.layers else WHOLE

    @property
    def output(self) -> Array:
        """What the network gives."""
        return self.steps[-1].a if self.steps else self.problem.x

    def penalty(self, penalties: Iterable[Penalty]) -> float:
        """What these penalties add to the loss."""
        return float(sum(one.value(self.layers, self.examples, self.problem.shared) for one in penalties))

    def penalized(self, penalties: Iterable[Penalty], position: int) -> Quantities:
        """What these penalties add to the gradients of one layer's parameters."""
        found = [
            {f"d{name}": np.zeros_like(value) for name, value in layer.parameters.items()} for layer in self.layers
        ]
        penalise(self.problem._replace(penalties=tuple(penalties)), self.layers, found)
        return found[position]

    def z(self, position: int) -> Array:
        """What the function of a layer that has one is applied to."""
        quantities = self.steps[position].quantities
        return quantities["z" if "z" in quantities else "x"]

    def activation(self, position: int) -> Activation | None:
        """The layer's function."""
        return self.layers[position].activation

    def judged(self, objective: Objective) -> LossGradient:
        """A loss at the output, joined with the last function where it can be."""
        activation = self.activation(self.last) if self.steps else None
        return objective(self.output, activation, None if activation is None else self.z(self.last))

    def previous(self, position: int) -> int | None:
        """The layer whose output alone this one takes; None where it takes an input, or several things."""
        (source, *others) = self.problem.takes(position)
        return None if others or source < 0 else source

    def again(self, position: int, layer: Layer) -> Step:
        """Another layer fed what the one at this position was fed."""
        return layer.forward(*self.inputs[position])

    def quantities(self, position: int) -> Quantities:
        """Everything of one layer, in our own shapes."""
        step = self.steps[position]
        own = {**step.quantities, **self.given_layers[position].parameters}
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
        given = (self.problem.x, *self.problem.more)
        for position, layer in enumerate(self.layers):
            taken = self.problem.takes(position)
            inputs = tuple(self.steps[one].a if one >= 0 else given[-1 - one] for one in taken)
            if len(inputs) == 1:
                inputs = (self.changed("input", position, inputs[0]),)
            self.layers[position] = self.changed("layer", position, layer)
            self.inputs.append(inputs)
            self.steps.append(self.changed("output", position, self.layers[position].forward(*inputs)))

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
        return Start(*self.judged(problem.objective))

    def _backward(self, start: Start) -> None:
        """Every layer's derivatives, and what reaches the inputs."""
        count = len(self.steps)
        arrived: list[list[Term]] = [[] for _ in range(count + len(self.problem.inputs))]
        if count:
            arrived[count - 1].append((count, start.da))
        for position in reversed(range(count)):
            self._terms[position], arrived[position] = arrived[position], []
            found = self._arrived(position, start.dz if position == self.last else None)
            self.gradients[position] = self.changed("gradients", position, found)
            self._sent[position] = self._sent_back(position)
            for source, term in self._sent[position]:
                arrived[source].insert(0, term)
        self.arrived = [arrived[-1 - number] for number in range(len(self.problem.inputs))]

    def _arrived(self, position: int, known: Array | None) -> Quantities:
        """A layer's derivatives from what arrives there; the right run's own where the same does."""
        terms, right = self._terms[position], self._right_way_back
        if right is not None and right.start is not None and ("arriving", position) not in self._rules:
            others = right._terms[position]
            same = len(terms) == len(others) and all(a is b for (_, a), (_, b) in zip(terms, others, strict=True))
            if same and (known is None or known is right.start.dz):
                return right.gradients[position]
        da = total(terms) if terms else np.zeros_like(self.steps[position].a)
        da, known = self.changed("arriving", position, (da, known))
        return with_terms(self.problem, self.steps[position].back(da, known), terms)

    def _sent_back(self, position: int) -> list[tuple[Source, Term]]:
        right, gradients = self._right_way_back, self.gradients[position]
        if right is not None and gradients is right.gradients[position]:
            return right._sent[position]
        return sent_back(self.problem.takes(position), position, gradients)

    @property
    def _right_way_back(self) -> Run | None:
        """The right run, where its way back starts from the same steps."""
        return self.right if self.right is not None and self.right.steps is self.steps else None

    def _finish(self) -> None:
        """The parameters' gradients averaged, those of shared ones summed, and the penalties' added."""
        gradients = [self.gradients[position] for position in range(len(self.steps))]
        self.final = [dict(found) for found in gradients]
        combine(self.problem, self.layers, self.final)
        self.combined = [dict(found) for found in self.final]
        penalise(self.problem, self.layers, self.final)
        if self.right is not None:
            for position in self._kept(self.right):
                self.final[position] = dict(self.right.final[position])
        owners = {position for position, _ in self.problem.shared.values()}
        for position in owners:
            self.final[position] = self.changed("final", position, self.final[position])
        if any(("final", position) in self._rules for position in owners):
            spread(self.problem, self.layers, self.final)
        for position in set(range(len(self.final))) - owners:
            self.final[position] = self.changed("final", position, self.final[position])

    def _kept(self, right: Run) -> set[int]:
        """The layers whose gradients are the right run's own, so that its arrays show at once what is unchanged."""
        kept = {position for position, own in self.gradients.items() if own is right.gradients[position]}
        shared = {position for pair in self.problem.shared.items() for position, _ in pair}
        return kept if shared <= kept else kept - shared

    @property
    def moved(self) -> list[Layer]:
        """The layers after the step of descent; none where there is no learning rate."""
        if self._moved is None:
            rate = self.problem.learning_rate
            found = (
                [] if rate is None else [self._descended(position, rate) for position in range(len(self.given_layers))]
            )
            with np.errstate(all="ignore"):
                self._moved = [self.changed("moved", position, layer) for position, layer in enumerate(found)]
        return self._moved

    def _descended(self, position: int, rate: float) -> Layer:
        """One layer after its step; the right run's own where its gradients, and all it computed, are the same."""
        if self._is_right(position):
            assert self.right is not None
            return self.right.moved[position]
        return descend([self.given_layers[position]], [self.final[position]], rate)[0]

    def _is_right(self, position: int) -> bool:
        """Whether all the layer has computed are the right run's own arrays, from the right run's own parameters."""
        right = self.right
        if right is None or self.given_layers[position] is not right.given_layers[position]:
            return False
        if self.steps[position] is not right.steps[position]:
            return False
        mine, others = (run.final[position] if run.final else {} for run in (self, right))
        return mine is others or (mine.keys() == others.keys() and all(mine[name] is others[name] for name in mine))

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
        for number, quantities in enumerate(self.given()):
            name = self.problem.inputs[number]
            own = self.changed("shown", INPUTS - number, quantities)
            found |= {(name, letter): array for letter, array in own.items()}
        for position, layer in enumerate(self.layers):
            if layers is not None and layer.name not in layers:
                continue
            own = self.changed("shown", position, self._own(position, new))
            found |= {(layer.name, name): array for name, array in own.items()}
        return found

    def given(self) -> list[Quantities]:
        """The quantities of each input in the spec's shapes, where inputs have their own."""
        return [one.quantities for one in input_results(self.problem, self.arrived)]

    def _own(self, position: int, new: bool) -> Quantities:
        """One layer's quantities; those of the right run where nothing is changed."""
        if self.right is None:
            return self._written_once(position)
        if not self._is_right(position) or ("moved", position) in self._rules:
            return self.own(position, new=new)
        return self.right._written_once(position)

    def _written_once(self, position: int) -> Quantities:
        """One layer's quantities in the spec's shapes, written at the first asking."""
        if position not in self._shown:
            self._shown[position] = self.own(position)
        return self._shown[position]

    def own(self, position: int, *, new: bool = True) -> Quantities:
        """One layer's quantities in the spec's shapes, without what changes them when they are written down.

        `new` says whether the parameters after the step are among them.
        """
        moved = self.moved[position] if new and self.moved else None
        return written(self.problem.examples, self.layers[position], self.quantities(position), moved)


def changes_training(changes: Iterable[Change]) -> bool:
    """Whether changes made in one pass can reach the next."""
    return any(change.stage not in _WRITTEN for change in changes)


class Tape:
    """A problem that can be run again under changes; `right` is its last pass as it should be."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._first = self.right = Run(problem, problem.layers, (), None)
        self._known: dict[str, list[Layer]] = {}
        self._right_key = ""
        if problem.steps > 1:
            self.right = Run(problem, self._trained(()), (), None)
        self.layers = self.right.layers

    def run(self, changes: Iterable[Change], always: Iterable[Change] = ()) -> Run:
        """The last pass under these changes, and those that are made in every pass. Errors: InputError."""
        always = tuple(always)
        if changes_training(always):
            return Run(self.problem, self._trained(always), (*always, *changes), None)
        return Run(self.problem, self.right.given_layers, (*always, *changes), self.right)

    def _trained(self, changes: tuple[Change, ...]) -> list[Layer]:
        """The layers before the last pass, after passes under these changes.

        Many mistakes train alike, a wrong factor in the loss and the same in all gradients: those that do so in the
        first passes are taken to go on so, unless they do right there.
        """
        layers, right, key = self.problem.layers, self._first if changes else None, ""
        for number in range(self.problem.steps - 1):
            if number == _TOLD_APART_BY and key in self._known and key != self._right_key:
                return self._known[key]
            old, layers, right = layers, Run(self.problem, layers, changes, right).moved, None
            if number < _TOLD_APART_BY:
                key += _steps_taken(old, layers)
        self._known[key] = layers
        if not changes:
            self._right_key = key
        return layers


def _steps_taken(old: list[Layer], new: list[Layer]) -> str:
    """How far every parameter was moved, to so many digits as rounding leaves alone."""
    found = ""
    for before, after in zip(old, new, strict=True):
        olds = before.parameters
        for name, value in after.parameters.items():
            with np.errstate(all="ignore"):
                step = value - olds[name]
                largest = float(abs(step).max(initial=0.0))
                digits = np.round(step * (1e9 / largest)) + 0.0 if largest else step
            found += f"{largest:.9g} {digits.tobytes()!r}"
    return found
