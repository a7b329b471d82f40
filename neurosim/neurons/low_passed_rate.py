"""Rate neuron whose rate low-passes an activation of its drive: the leak is on the rate, not on a potential.

Beside `leaky_rate`, whose potential leaks, it is another model with another Jacobian: a weight acts through the slope
at the instant at which the presynaptic rate arrives. Noise enters with the drive.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat

from neurosim import equations
from neurosim.equations.parse import parse_expression
from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import TimeConstant
from neurosim.neurons.leaky_rate import ACTIVATIONS


class Config(BaseModel):
    """Settings of the rate neuron with a leak on its rate.

    Attributes
    ----------
    activation
        What the rate follows, as a function of the drive: one of those of `leaky_rate`, or an expression of ``v``,
        which is the drive with noise.
    sigma
        Standard deviation of the noise.
    tau_m, tau_a
        Time constants of the rate and of the apical compartment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    activation: str = "tanh"
    sigma: NonNegativeFloat = 0.1
    tau_m: TimeConstant = "10 ms"
    tau_a: TimeConstant = "5 ms"


def build(config: Config) -> NeuronModel:
    """The neuron's equations for the chosen activation."""
    activation, _ = parse_expression(ACTIVATIONS.get(config.activation, config.activation))
    return NeuronModel(
        f"""
        v = drive + perturb*sigma*noise : 1
        dr/dt = ({activation} - r)/tau_m : 1
        slope = {equations.symbolic.differentiate(activation, "v")} : 1
        gain = 1 : 1
        da/dt = (feedback - a)/tau_a : 1
        delta = slope*a : 1
        drive : 1
        feedback : 1
        noise : 1
        perturb : 1 (shared)
        """,
        parameters={"tau_m": config.tau_m, "tau_a": config.tau_a, "sigma": config.sigma},
        ports={
            "drive": "drive",
            "output": "r",
            "feedback": "feedback",
            "error": "delta",
            "site": "drive",
            "perturbed": "v",
            "signal": "delta",
            "gain": "gain",
        },
        name="low_passed_rate",
        reference="Murray (2019), eLife 8:e43299, with the leak on the rate",
    )
