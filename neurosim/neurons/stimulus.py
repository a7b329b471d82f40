"""A unit whose rate is the stimulus itself: the input layer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosim.neurons._model import NeuronModel


class Config(BaseModel):
    """No settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def build(config: Config) -> NeuronModel:
    """The unit's single parameter, set by the stimulus of each presentation."""
    return NeuronModel("r : 1", ports={"output": "r"}, name="stimulus")
