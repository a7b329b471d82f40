"""Node perturbation without feedback: every neuron, the output's too, learns from the scalar alone (the floor).

Williams (1992), Machine Learning 8:229; with ``factor = "activity"``, the activity difference in place of the
noise: Dalm, van Gerven & Ahmad (2023), effective learning with node perturbation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat

from neurosim.circuit.description import Circuit, Phase, Population, hold
from neurosim.schemes import _network
from neurosim.schemes._network import Network, Sized


class Config(BaseModel):
    """Settings of node perturbation without feedback.

    Attributes
    ----------
    factor
        What the change of the loss is multiplied with: the ``noise`` injected into the neuron, or the measured
        change of its ``activity``, noise from below included, which needs no access to the noise but a sum over
        all perturbed neurons.
    learning_rate
        Of all weights, for the mean over a batch.
    duration, perturbed_duration
        Of the clean and the perturbed phase.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    factor: Literal["noise", "activity"] = "noise"
    learning_rate: PositiveFloat = 0.01
    duration: str = "50 ms"
    perturbed_duration: str = "50 ms"


def build(config: Config, network: Network, task: Sized) -> Circuit:
    """Two phases; all forward weights learn at the end of the second, no hidden population receives feedback."""
    forward = _network.forward_pathways(network, config.learning_rate, "scalar_reward")
    layers = (*_network.layer_names(network), "output")
    clean = _network.clean_phase(network, config.duration)
    gains = tuple(hold(f"{layer}.gain_held = {_network.ports_of(network, layer)['gain']}") for layer in layers)
    estimates = []
    for layer in layers:
        if config.factor == "noise":
            estimates.append(f"{layer}.estimate = {_network.factor_of(network, layer)}*(loss - loss_held)")
        else:
            # The mean of |da|^2 is the number of neurons times their variance: the same scale as the noise's.
            estimates.append(f"{layer}.estimate = deviation*(loss - loss_held)*{_size(network, task, layer)}/power")
    perturbed = Phase(
        "perturbed",
        config.perturbed_duration,
        {"perturb": 1.0},
        draw_noise=True,
        hold=tuple(hold(line) for line in estimates),
        learn=_network.learning(forward),
    )
    return Circuit(
        "node_perturbation_only",
        tuple(_perturbed(p, config, network) for p in _network.populations(network, task, noise=True)),
        forward,
        (replace(clean, hold=(*clean.hold, *gains)), perturbed),
        _network.readout_of(network),
        f"output.{_network.ports_of(network, 'output')['output']}",
    )


def _perturbed(population: Population, config: Config, network: Network) -> Population:
    """The output is perturbed like the hidden layers."""
    if population.name in ("input", "one"):
        return population
    changed = replace(population, noise=("noise",))
    if config.factor == "noise":
        return changed
    output = _network.ports_of(network, population.name)["output"]
    lines = f"r_held : 1\ndeviation = {output} - r_held : 1"
    return replace(changed, equations=lines, sums={"power": "deviation_pre**2"})


def _size(network: Network, task: Sized, layer: str) -> int:
    sizes = dict(zip(_network.layer_names(network), network.hidden, strict=True))
    return sizes.get(layer, task.n_outputs)
