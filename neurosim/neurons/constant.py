"""A unit that is always on; its outgoing weights are the biases of its targets."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosim.neurons._model import NeuronModel


class Config(BaseModel):
    """No settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def build(config: Config) -> NeuronModel:
    """The unit's single equation."""
    return NeuronModel("r = 1 : 1", ports={"output": "r"}, name="constant")
