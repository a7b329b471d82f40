"""Feedback weights that learn by a rule written in the model file.

The presentation is that of learned feedback: a clean phase, and a perturbed one at whose end every pathway learns. The
rule may read, of the neuron behind the synapse (``_post``) and of the one before it (``_pre``): ``r_held`` (the clean
rate), ``delta_held`` (its error), ``signal_held`` (what feedback delivered), ``estimate`` (of the gradient, from noise
and the change of the loss; the output has none) and the neuron's own variables. Such a rule is local, because text can
name nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, model_validator

from neurosim.circuit.circuit import Circuit
from neurosim.errors import EquationError, UnitError
from neurosim.networks import Relation, Sized, layered
from neurosim.rules._rule import Rule
from neurosim.schemes import _baselines
from neurosim.suggestions import nearest

GRADIENT = Relation.OPEN
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "the rule reads what layers hold at the end of a phase, and a recurrent network learns at every step; use a "
        "circuit file, with timing = 'integral' rules"
    ),
}


class Config(BaseModel):
    """Settings of feedback that learns by one's own rule.

    Attributes
    ----------
    rule
        Statements such as ``w += rate*(estimate_post - signal_held_post)*delta_held_pre``, which is that of learned
        feedback and the default.
    parameters
        Names in the rule and their values: ``{ rate = 0.1 }``, or with units ``{ tau = "20 ms" }``.
    topology
        ``layerwise`` (from the layer above) or ``direct`` (from the output to every layer).
    learning_rate
        Learning rate of the forward weights, for the mean over a batch.
    feedback_weights
        Standard deviation of the initial feedback weights times the root of the number of neurons they reach.
    duration, perturbed_duration
        Durations of the clean and the perturbed phase.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    rule: str = "w += rate*(estimate_post - signal_held_post)*delta_held_pre"
    parameters: Mapping[str, float | str] = Field(default_factory=lambda: {"rate": 0.1})
    topology: layered.Topology = "layerwise"
    learning_rate: PositiveFloat = 0.1
    feedback_weights: NonNegativeFloat = 1.0
    duration: str = "50 ms"
    perturbed_duration: str = "50 ms"

    @model_validator(mode="after")
    def _is_a_rule(self) -> Config:
        try:
            rule = self.written
        except UnitError as error:
            raise ValueError(f"parameters: {error}") from error
        except EquationError as error:
            raise ValueError(f"rule: {error}") from error
        if not rule.learns:
            raise ValueError("rule: got no statement, expected one such as 'w += rate*delta_held_pre*r_held_post'")
        idle = sorted(self.parameters.keys() - rule.names) if "parameters" in self.model_fields_set else []
        # A name that is neither a neuron's nor a parameter may be one that is misspelt: the circuit says which.
        misspelt = [name for name in rule.names - self.parameters.keys() if nearest(name, idle)]
        if idle and not misspelt:
            raise ValueError(f"parameters: '{idle[0]}' stands nowhere in the rule; expected names that the rule reads")
        return self

    @property
    def written(self) -> Rule:
        """The rule."""
        return Rule(self.rule, parameters=self.parameters, name="own")


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """Forward and feedback weights learn at the end of the perturbed phase."""
    forward = layered.forward_pathways(network, config.learning_rate)
    feedback = layered.feedback_pathways(
        network,
        config.topology,
        {
            "rule": config.written,
            "parameters": dict(config.parameters),
            "initial": layered.feedback_law(network, config.feedback_weights),
        },
    )
    layers = network.hidden_layers
    phases = _baselines.phases(
        network,
        (config.duration, config.perturbed_duration),
        (),
        [f"{layer}.estimate = {layered.factor_of(network, layer)}*loss_change" for layer in layers],
        layered.learning((*forward, *feedback)),
        critic=None,
    )
    return layered.assembled(
        "own_rule",
        network,
        layered.populations(network, task, noise=True),
        (*forward, *feedback),
        phases,
    )
