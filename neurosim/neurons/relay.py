"""Unit that passes on what it receives, forward and back, without delay: a pool of neurons.

What arrives is its rate, and what feedback delivers is the error that it passes on. Noise enters at the rate.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat

from neurosim.neurons._model import NeuronModel


class Config(BaseModel):
    """Settings of the relaying unit.

    Attributes
    ----------
    sigma
        Standard deviation of the noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    sigma: NonNegativeFloat = 0.1


def build(config: Config) -> NeuronModel:
    """The unit's equations, all at an instant."""
    return NeuronModel(
        """
        r = drive + perturb*sigma*noise : 1
        slope = 1 : 1
        gain = 1 : 1
        a = feedback : 1
        delta = a : 1
        drive : 1
        feedback : 1
        noise : 1
        perturb : 1 (shared)
        """,
        parameters={"sigma": config.sigma},
        ports={
            "drive": "drive",
            "output": "r",
            "readout": "r",
            "feedback": "feedback",
            "error": "delta",
            "site": "r",
            "perturbed": "r",
            "signal": "a",
            "gain": "gain",
        },
        name="relay",
    )
