"""The credit of what a layer sends, as one array, and how feedback's signal compares with it.

Most neurons send one variable. A neuron that spikes may send its spikes to other neurons and a filtered version to the
readout; then credit is that of a spike, through all that it sends and not through what it does to the neuron itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.engines.setting import Setting
from neurosim.equations.array_code import expression_function
from neurosim.gradients._in_time import read_variables
from neurosim.gradients.credit_in_time import Credit, CreditInTime
from neurosim.neurons._model import NeuronModel

#: The port of the share that a neuron's filter for the readout keeps in a step.
MEMORY = "memory"


@dataclass(frozen=True)
class LayerCredit:
    """Credit of a layer, and the filter between what a readout sees and what the neuron sends.

    Attributes
    ----------
    total, immediate
        Shape (trial, step, n).
    share, memory
        How much of a spike the readout sees, and what is left of it a step later, of each neuron; none where it sees
        what the neuron sends.
    """

    total: np.ndarray
    immediate: np.ndarray
    share: np.ndarray | None = None
    memory: np.ndarray | None = None

    def through_filter(self, course: np.ndarray) -> np.ndarray:
        """A course that counts where the readout sees, (trial, step, n), as it counts for what the neuron sends.

        What a filter adds up forward in time it hands back in time.
        """
        if self.share is None or self.memory is None:
            return course
        handed, ahead = np.zeros_like(course), np.zeros_like(course[:, 0])
        for step in range(course.shape[1] - 1, 0, -1):
            ahead = course[:, step] + self.memory * ahead
            handed[:, step - 1] = self.share * ahead
        return handed

    def errors(self, course: np.ndarray) -> np.ndarray | None:
        """The same of errors, (trial, step, n_error); none if neurons filter differently."""
        if self.share is None or self.memory is None:
            return course
        if np.ptp(self.share) or np.ptp(self.memory):
            return None
        one = (np.asarray(np.mean(each)) for each in (self.share, self.memory))
        return LayerCredit(self.total, self.immediate, *one).through_filter(course)


def kicked_for(circuit: Circuit) -> tuple[str, ...]:
    """The state variables whose credit a spike's needs: those of layers that send several, which only pathways read."""
    kicked: list[str] = []
    for layer in circuit.population:
        names = _sent(circuit, layer)
        if len(names) > 1:
            kicked += [name for name in names if _alone(compose(circuit)[layer], name.split(".")[1])]
    return tuple(kicked)


def layer_credit(
    circuit: Circuit, setting: Setting, state: Mapping[str, Any], credit: CreditInTime, layer: str
) -> LayerCredit | None:
    """The credit of what a layer sends; none where it sends nothing, or several variables and no spikes.

    Parameters
    ----------
    credit
        With the credit of `kicked_for`.
    """
    names = _sent(circuit, layer)
    if len(names) == 1:
        (name,) = names
        return LayerCredit(credit.total[name], credit.immediate.get(name, np.zeros(0)))
    shares = {name: _share(circuit, setting, state, name) for name in names}
    if not names or any(share is None for share in shares.values()):
        return None
    total = _of_spikes(names, shares, credit.total, credit.kicks)
    immediate = _of_spikes(names, shares, credit.immediate, credit.immediate_kicks)
    shown = compose(circuit)[layer].ports.get("readout")
    memory = _constant(circuit, setting, state, layer, compose(circuit)[layer].ports.get(MEMORY))
    share = shares.get(f"{layer}.{shown}")
    if share is None or memory is None:
        return LayerCredit(total, immediate)
    return LayerCredit(total, immediate, share, memory)


def _sent(circuit: Circuit, layer: str) -> tuple[str, ...]:
    return tuple(name for name in read_variables(circuit) if name.split(".")[0] == layer)


def _alone(model: NeuronModel, variable: str) -> bool:
    """Whether none of the neuron's own equations reads a state variable, but its own."""
    if variable not in model.state_variables:
        return False
    readers = (equation.names for equation in model.equation_set.equations if equation.name != variable)
    reset = (statement.names for statement in model.reset_statements if statement.target != variable)
    threshold = model.functions["threshold"].arguments if model.threshold is not None else ()
    return all(variable not in names for names in (*readers, *reset, threshold))


def _share(circuit: Circuit, setting: Setting, state: Mapping[str, Any], name: str) -> np.ndarray | None:
    """How much a spike adds to a variable; none where that is no constant."""
    layer, _, variable = name.partition(".")
    if variable == "spikes":
        return np.asarray(1.0)
    added = [s for s in compose(circuit)[layer].reset_statements if s.target == variable]
    if len(added) != 1 or added[0].operator != "+=":
        return None
    return _value(circuit, setting, state, layer, added[0].expression)


def _constant(
    circuit: Circuit, setting: Setting, state: Mapping[str, Any], layer: str, variable: str | None
) -> np.ndarray | None:
    """The value of an expression of parameters."""
    equation = None if variable is None else compose(circuit)[layer].equation_set.by_name.get(variable)
    if equation is None or equation.expression is None:
        return None
    return _value(circuit, setting, state, layer, equation.expression)


def _value(circuit: Circuit, setting: Setting, state: Mapping[str, Any], layer: str, text: str) -> np.ndarray | None:
    function = expression_function("value", text)
    known = {"dt": np.asarray(setting.dt)}
    parameters = {equation.name for equation in compose(circuit)[layer].equation_set.of("parameter")}
    for name in function.arguments:
        if name not in known:
            if name not in parameters or f"{layer}.{name}" not in state:
                return None
            known[name] = np.asarray(state[f"{layer}.{name}"], dtype=float)
    return np.asarray(function.compile(np)(**{name: known[name] for name in function.arguments}), dtype=float)


def _of_spikes(
    names: tuple[str, ...], shares: Mapping[str, np.ndarray | None], received: Credit, kicks: Credit
) -> np.ndarray:
    """The credit of a spike in each step: what it adds to is there when the next one begins."""
    parts = []
    for name in names:
        course = kicks[name] if name in kicks else received.get(name)
        if course is None:
            return np.zeros(0)
        at_once = name.endswith(".spikes")
        later = np.concatenate([course[:, 1:], np.zeros_like(course[:, :1])], axis=1)
        parts.append(shares[name] * (course if at_once else later))
    return np.sum(parts, axis=0)
