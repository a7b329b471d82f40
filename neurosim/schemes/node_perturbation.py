"""Feedback weights learned by correlating injected noise with the change of the loss.

Lansdell, Prakash & Kording (2020), ICLR: a clean and a perturbed phase in each presentation; each hidden
neuron's noise times the change of the loss estimates the gradient at that neuron, and the feedback weights
learn to predict it from the error they carry.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.description import Circuit, Initial, Pathway, Phase, hold
from neurosim.schemes import _network
from neurosim.schemes._network import Network, Sized, Topology


class Config(BaseModel):
    """Settings of learned feedback.

    Attributes
    ----------
    topology
        ``layerwise`` (from the layer above) or ``direct`` (from the output to every layer).
    learning_rate, feedback_learning_rate
        Of the forward and the feedback weights, for the mean over a batch.
    feedback_weights
        Standard deviation of the initial feedback weights times the root of the number of neurons they reach.
    duration, perturbed_duration
        Of the clean and the perturbed phase.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    topology: Topology = "layerwise"
    learning_rate: PositiveFloat = 0.1
    feedback_learning_rate: PositiveFloat = 0.05
    feedback_weights: NonNegativeFloat = 1.0
    duration: str = "50 ms"
    perturbed_duration: str = "50 ms"


def build(config: Config, network: Network, task: Sized) -> Circuit:
    """Two phases; forward and feedback weights learn at the end of the second."""
    forward = _network.forward_pathways(network, config.learning_rate)
    law = Initial("normal", config.feedback_weights, "out")
    rule, rate = _network.rule_of("node_perturbation"), {"learning_rate": config.feedback_learning_rate}
    feedback = tuple(
        Pathway(name, source, target, rule=rule, parameters=rate, initial=law)
        for name, source, target, _ in _network.feedback_ends(network, config.topology)
    )
    estimates = [f"{layer}.estimate = noise*(loss - loss_held)/sigma" for layer in _network.layer_names(network)]
    perturbed = Phase(
        "perturbed",
        config.perturbed_duration,
        {"perturb": 1.0},
        draw_noise=True,
        hold=tuple(hold(line) for line in estimates),
        learn=_network.learning((*forward, *feedback)),
    )
    return Circuit(
        "node_perturbation",
        _network.populations(network, task, noise=True),
        (*forward, *feedback),
        (_network.clean_phase(network, config.duration), perturbed),
        _network.readout_of(network),
        f"output.{_network.neuron_of(network.output_neuron).ports['output']}",
    )
