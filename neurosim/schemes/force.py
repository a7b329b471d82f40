"""FORCE: the readout learns so fast, by recursive least squares, that its error is small from the start.

Sussillo & Abbott (2009), Neuron 63:544. The answer comes back into the network by fixed random weights; as it is nearly
right at all times, the network learns in the state in which it will run on its own. Weights change within the
presentation. The inverse of the correlation of rates is shared by all outputs and is no synapse's to know: it stands in
a pathway ``P`` from the neurons that are read to themselves, whose weights say what a sample adds (``P1_2`` ... where
several populations are read). With several trials
at once their steps are averaged, as one step of all is not what least squares would do: present one trial at a time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Population, Role
from neurosim.errors import ConfigError
from neurosim.networks import Relation, Sized, recurrent
from neurosim.neurons import NeuronModel

GRADIENT = Relation.OPEN
NETWORKS = (recurrent.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "layered": (
        "it learns from errors at every step, and those of a layered network count at the end of a phase; use "
        "scheme.kind = 'backpropagation'"
    ),
}
_ONE = Initial("constant", 1.0, None)


class Config(BaseModel):
    """Settings of FORCE.

    Attributes
    ----------
    alpha
        What the correlation of rates is taken to be before the first sample: this times the identity. The smaller, the
        faster the first steps.
    every
        Time steps of the engine between two steps of learning.
    feedback_weights, feedback_law
        Half width (or standard deviation) of the fixed weights by which the answer comes back to the recurrent
        populations, and their law.
    carry
        Whether the network goes on from presentation to presentation, instead of starting anew.
    duration
        Of a presentation, in place of that of the task's grid and one time step of the engine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    alpha: PositiveFloat = 1.0
    every: PositiveInt = 1
    feedback_weights: NonNegativeFloat = 1.0
    feedback_law: Literal["uniform", "normal"] = "uniform"
    carry: bool = False
    duration: str = ""


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """One presentation, at whose steps the readout learns."""
    _refuse_filters(network)
    rule = recurrent.rule_of("least_squares_readout")
    pathways = recurrent.driving_pathways(network, lambda link: {"rule": rule} if link.place == "output" else {})
    joined = (*pathways, *_inverse(config, network), *_told(network), *_back(config, network))
    populations = tuple(_informed(network, each) for each in recurrent.populations(network, task))
    sums = Population("least_squares", 1, _sums(config))
    phase = recurrent.presentation(task, recurrent.learning(joined), duration=config.duration)
    return recurrent.assembled("force", network, (*populations, sums), joined, (phase,), carry=config.carry)


def _refuse_filters(network: recurrent.Config) -> None:
    """Refuse an output that is not a sum of what it reads at the same instant."""
    output = recurrent.neuron_at(network, "output")
    if recurrent.integrators(output) or output.threshold is not None:
        raise ConfigError.at(
            "network.output_neuron.kind",
            f"got '{output.name}' with the scheme 'force', whose least squares are those of an answer that is the sum "
            "of what it reads at the same instant; expected 'relay'",
        )


def _inverse(config: Config, network: recurrent.Config) -> tuple[Pathway, ...]:
    """The pathways whose weights are the inverse correlation of all neurons that are read."""
    rule, layers = recurrent.rule_of("recursive_least_squares"), network.read_layers
    shown = {layer: f"{layer}.{recurrent.shown(recurrent.neuron_at(network, layer))}" for layer in layers}
    numbers = {layer: network.hidden_layers.index(layer) + 1 for layer in layers}
    return tuple(
        Pathway(
            "P" if len(layers) == 1 else f"P{numbers[pre]}_{numbers[post]}", shown[pre], f"{post}.gained",
            rule=rule, initial=f"int(i == j)/{config.alpha!r}" if pre == post else 0.0, role=Role.OTHER,
        )
        for pre in layers
        for post in layers
    )  # fmt: skip


def _told(network: recurrent.Config) -> tuple[Pathway, ...]:
    """What tells of sums."""
    told: dict[str, Any] = {"rule": recurrent.rule_of("fixed"), "initial": _ONE, "role": Role.OTHER}
    made = [Pathway("counting", "output.mask", "least_squares.counting", **told)]
    made += [Pathway(f"power_{name}", f"{name}.power", "least_squares.power", **told) for name in network.read_layers]
    made += [
        Pathway(f"share_{name}", "least_squares.share", f"{name}.share", **told)
        for name in (*network.read_layers, "output")
    ]
    return tuple(made)


def _back(config: Config, network: recurrent.Config) -> tuple[Pathway, ...]:
    """The pathways by which the answer comes back."""
    if not config.feedback_weights:
        return ()
    shown = recurrent.shown(recurrent.neuron_at(network, "output"))
    drawn = Initial(config.feedback_law, config.feedback_weights, None)
    return tuple(
        Pathway(
            f"F{number}", f"output.{shown}", f"{layer}.{recurrent.neuron_at(network, layer).ports['drive']}",
            rule=recurrent.rule_of("fixed"), initial=drawn, role=Role.RECURRENT,
        )
        for number, layer in enumerate(network.hidden_layers, start=1)
    )  # fmt: skip


def _informed(network: recurrent.Config, population: Population) -> Population:
    """Populations that are read know their gain; they and the output know the share of the sample."""
    if population.name in network.read_layers:
        shown = recurrent.shown(population.neuron)
        return recurrent.with_lines(population, "gained : 1", f"power = gained*{shown} : 1", "share : 1")
    if population.name != "output":
        return population
    made = recurrent.with_lines(population, "share : 1", "miss : 1")
    # The mask says when an error counts, not how much.
    return replace(made, bind={**made.bind, "miss": "error/(mask + 1e-30*Hz)"})


def _sums(config: Config) -> NeuronModel:
    """The unit that knows the power of a sample, and when one counts."""
    now = f"*int(int(t/dt + 0.5) % {config.every} == 0)" if config.every > 1 else ""
    return NeuronModel(
        f"share = int(counting > 0*Hz){now}/(1 + power) : 1\npower : 1\ncounting : Hz",
        ports={"output": "share"},
        name="least_squares",
    )
