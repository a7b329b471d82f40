"""Node perturbation without feedback: every neuron, the output's too, learns from the scalar alone (the floor).

Williams (1992), Machine Learning 8:229; with ``factor = "activity"``, the activity difference in place of the
noise: Dalm, van Gerven & Ahmad (2023), effective learning with node perturbation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat, model_validator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Population, Role, hold
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes import _baselines
from neurosim.schemes._baselines import Baseline, Critic

GRADIENT = Relation.MEAN
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "noise is held through a phase at whose end the loss counts, and a loss over time needs noise at every step; "
        "use scheme.kind = 'node_perturbation_in_time'"
    ),
}


class Config(BaseModel):
    """Settings of node perturbation without feedback.

    Attributes
    ----------
    factor
        What the change of the loss is multiplied with: the ``noise`` injected into the neuron, or the measured
        change of its ``activity``, noise from below included, which needs no access to the noise but a sum over
        all perturbed neurons.
    learning_rate
        Learning rate of all weights, for the mean over a batch.
    baseline
        What the loss is compared with: that of a ``clean`` phase, or what a critic expects, which has learned a
        ``running`` mean of the loss or one for each ``class``; then presynaptic rates are those of the perturbed
        phase, with a bias of the order of sigma squared.
    baseline_learning_rate
        Learning rate of the critic.
    duration, perturbed_duration
        Durations of the clean and the perturbed phase.
    restart
        Whether the perturbed phase begins at rest like the clean one; see `neurosim.schemes.node_perturbation`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    factor: Literal["noise", "activity"] = "noise"
    learning_rate: PositiveFloat = 0.01
    baseline: Baseline = "clean"
    baseline_learning_rate: PositiveFloat = 0.1
    duration: str = "50 ms"
    perturbed_duration: str = "50 ms"
    restart: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Config:
        if self.baseline != "clean" and self.factor != "noise":
            raise ValueError(f"got factor '{self.factor}', expected 'noise' with baseline '{self.baseline}'")
        return self


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """All forward weights learn at the end of the last phase, no hidden population receives feedback."""
    layered.refuse_normalisation(network, "biases come after it, and noise that is held does not tell what they do")
    forward = layered.forward_pathways(network, config.learning_rate, "scalar_reward")
    # Pools have no weights that learn, so they need no noise.
    layers = tuple(dict.fromkeys(p.post for p in forward if p.role is Role.FORWARD and p.synapse.learns))
    gains = tuple(hold(f"{layer}.gain_held = {layered.ports_of(network, layer)['gain']}") for layer in layers)
    populations = tuple(
        _perturbed(p, config, network) if p.name in layers else p
        for p in layered.populations(network, task, noise=True)
    )
    pathways, change, critic = forward, "loss_change", None
    if config.baseline != "clean":
        change = "(loss - expected)"
        critic = Critic(config.baseline, config.baseline_learning_rate, layers)
        populations, pathways = critic.add_to(populations), (*pathways, critic.learned, *critic.fixed)
    if config.factor == "noise":
        estimates = [f"{layer}.estimate = {layered.factor_of(network, layer)}*{change}" for layer in layers]
    else:
        # The mean of |da|^2 is the number of neurons times their variance: the same scale as the noise's.
        sizes = {population.name: population.size for population in populations}
        estimates = [f"{a}.estimate = deviation*{change}*{sizes[a]}/power" for a in layers]
    phases = _baselines.phases(
        network,
        (config.duration, config.perturbed_duration),
        gains,
        estimates,
        layered.learning(forward),
        critic=critic,
        restart=config.restart,
    )
    return layered.assembled(
        "node_perturbation_only",
        network,
        populations,
        pathways,
        phases,
    )


def _perturbed(population: Population, config: Config, network: layered.Config) -> Population:
    """The output is perturbed like the hidden layers."""
    # A neuron that fires at random has no need of any.
    own = "factor" in population.neuron.ports
    changed = population if own or population.noise else replace(population, noise=("noise",))
    if config.factor == "noise":
        return changed
    output = layered.ports_of(network, population.name)["output"]
    lines = f"r_held : 1\ndeviation = {output} - r_held : 1"
    return replace(
        changed,
        equations=f"{changed.equations}\n{lines}",
        sums={**changed.sums, "power": "deviation_pre**2"},
    )
