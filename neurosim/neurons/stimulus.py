"""A unit whose rate is the stimulus itself: the input layer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat

from neurosim.neurons._model import NeuronModel


class Config(BaseModel):
    """Settings of the input unit.

    Attributes
    ----------
    sigma
        Standard deviation of noise on what it sends, in phases with noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    sigma: NonNegativeFloat = 0.0


def build(config: Config) -> NeuronModel:
    """The rate, set by the stimulus of each presentation, and what noise makes of it."""
    if not config.sigma:
        return NeuronModel("r : 1", ports={"output": "r"}, name="stimulus")
    return NeuronModel(
        """
        r : 1
        sent = r + perturb*sigma*noise : 1
        noise : 1
        perturb : 1 (shared)
        """,
        parameters={"sigma": config.sigma},
        ports={"output": "sent"},
        name="stimulus",
    )
