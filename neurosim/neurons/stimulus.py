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
    feedback
        Whether it takes feedback, which has no effect on it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    sigma: NonNegativeFloat = 0.0
    feedback: bool = False


def build(config: Config) -> NeuronModel:
    """The rate, set by the stimulus of each presentation, and what noise makes of it."""
    taken = "\nfeedback : 1" if config.feedback else ""
    ports = {"feedback": "feedback"} if config.feedback else {}
    if not config.sigma:
        return NeuronModel(f"r : 1{taken}", ports={"output": "r", **ports}, name="stimulus")
    return NeuronModel(
        """
        r : 1
        sent = r + perturb*sigma*noise : 1
        noise : 1
        perturb : 1 (shared)
        """
        + taken,
        parameters={"sigma": config.sigma},
        ports={"output": "sent", **ports},
        name="stimulus",
    )
