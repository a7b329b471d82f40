"""The populations of a recurrent network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neurosim.circuit.description import Population
from neurosim.networks._network import Part, Sized, neuron_of
from neurosim.networks.recurrence.config import Config
from neurosim.networks.recurrence.neurons import integrators, neuron_at

#: What feedback delivers to a recurrent population: an error density, hence per second.
SIGNAL = "learning_signal"


def populations(network: Config, task: Sized) -> tuple[Population, ...]:
    """``input``, ``one`` (if there are biases), ``hidden1`` ... and ``output``.

    Neurons that do not spike are integrated by Euler's method.
    """
    shown = (Population("input", task.n_inputs, neuron_of(Part(kind="stimulus"))),)
    one = (Population("one", 1, neuron_of(Part(kind="constant"))),) if network.bias else ()
    sizes = dict(zip(network.hidden_layers, network.hidden, strict=True))
    layers = (_layer(network, name, sizes.get(name, task.n_outputs)) for name in network.layers)
    return (*shown, *one, *layers)


def _layer(network: Config, name: str, size: int) -> Population:
    neuron = neuron_at(network, name)
    made = Population(name, size, neuron, lots=(neuron.ports["lot"],) if "lot" in neuron.ports else ())
    if neuron.threshold is None and neuron.state_variables:
        made = replace(made, method="euler")
    if network.initial and name != "output":
        made = replace(made, initial=dict.fromkeys(integrators(neuron), f"{network.initial!r}*randn()"))
    return made


def with_lines(population: Population, *lines: str, parameters: Mapping[str, Any] | None = None) -> Population:
    """A population with further equations, each only once, and values of their parameters."""
    written = [line.strip() for line in population.equations.splitlines() if line.strip()]
    written += [line for line in dict.fromkeys(lines) if line not in written]
    values = {**population.parameters, **(parameters or {})}
    return replace(population, equations="\n".join(written), parameters=values)


def with_signal(population: Population) -> Population:
    """A recurrent population that feedback reaches, by its variable `SIGNAL`."""
    return with_lines(population, f"{SIGNAL} : Hz")
