"""A unit that expects the loss: its value is the sum of the evidence it receives."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosim.neurons._model import NeuronModel


class Config(BaseModel):
    """No settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def build(config: Config) -> NeuronModel:
    """The unit's single equation."""
    return NeuronModel("value = expectation : 1\nexpectation : 1", ports={"output": "value"}, name="critic")
