"""Neuron that fires at random at a given rate, whatever happened before: a Poisson process in steps.

It has no state, takes no input and only sends. In each step it fires with probability ``rate*dt``, as Brian2's
``PoissonGroup``. The rate is a parameter: one for all neurons, an array over neurons, or a course over time.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import Rate


class Config(BaseModel):
    """Settings of the Poisson neuron.

    Attributes
    ----------
    rate
        Expected spikes per time; ``rate*dt`` above one fires in every step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    rate: Rate = "10 Hz"


def build(config: Config) -> NeuronModel:
    """The neuron's threshold."""
    return NeuronModel("rate : hertz", threshold="rand() < rate*dt", parameters={"rate": config.rate}, name="poisson")
