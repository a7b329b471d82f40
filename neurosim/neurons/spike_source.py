"""Neuron that fires when it is told: times and neurons are an input, ``{"P.spikes": (times, indices)}``.

It has no state, takes nothing from pathways and only sends. A spike at time *t* is one of the step in which *t* lies,
as of Brian2's ``SpikeGeneratorGroup``. Without that input it is silent.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosim.neurons._model import NeuronModel


class Config(BaseModel):
    """No settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def build(config: Config) -> NeuronModel:
    """The neuron's threshold: whether it fires in this step."""
    return NeuronModel("firing : boolean", threshold="firing", name="spike_source")
