"""Leaky rate neuron with a somatic potential, a firing rate and an apical compartment.

The soma integrates the feedforward ``drive``, the rate is an activation function of its potential, and the
apical compartment integrates what the feedback pathways deliver. Noise enters after the activation
(Lansdell, Prakash & Kording 2020) or, with ``noise_site = "current"``, as an input to the soma.

With ``normalised`` the soma sees the drive less its mean over the feature map, over the root of its variance there
(instance normalisation: Ulyanov, Vedaldi & Lempitsky 2016, arXiv:1607.08022; for a layer without positions, layer
normalisation: Ba, Kiros & Hinton 2016, arXiv:1607.06450), and the error is the exact derivative with respect to the
drive, which has two means over the map as well.
"""

from __future__ import annotations

import operator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

from neurosim import equations
from neurosim.equations.parse import parse_equations, parse_expression
from neurosim.equations.renamed import with_parts
from neurosim.neurons import _dropout_rate, _normalised_rate
from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import TimeConstant

#: Activation functions of the potential; the logistic one as a tanh, which cannot overflow.
ACTIVATIONS = {
    "tanh": "tanh(v)",
    "sigmoid": "0.5 + 0.5*tanh(0.5*v)",
    "relu": "0.5*(v + abs(v))",
    "softplus": "log1p(exp(-abs(v))) + 0.5*(v + abs(v))",
    "identity": "v",
}

#: Noise after the activation. The names ``activation``, ``derivative`` and ``passed_on`` are parts: `build` writes out
#: what the settings choose.
RATE = """
    dv/dt = (drive - v)/tau_m : 1
    r = activation + perturb*sigma*noise : 1
    slope = derivative : 1
    gain = slope : 1
    da/dt = (feedback - a)/tau_a : 1
    delta = passed_on : 1
    drive : 1
    feedback : 1
    noise : 1
    perturb : 1 (shared)
"""
#: Noise as an input to the soma.
CURRENT = """
    dv/dt = (drive + perturb*sigma*noise - v)/tau_m : 1
    r = activation : 1
    slope = derivative : 1
    gain = 1 : 1
    da/dt = (feedback - a)/tau_a : 1
    delta = passed_on : 1
    drive : 1
    feedback : 1
    noise : 1
    perturb : 1 (shared)
"""
#: The apical signal that a neuron passes on, by the variable that a readout takes for its answer.
ERRORS = {"rate": "slope*a", "potential": "a"}


class Config(BaseModel):
    """Settings of the leaky rate neuron.

    Attributes
    ----------
    activation
        Firing rate as a function of the potential: one of `ACTIVATIONS`, or an expression of ``v``.
    noise_site
        Where held noise enters: ``"rate"`` (after the activation) or ``"current"``.
    sigma
        Standard deviation of the noise where it enters.
    readout
        What a readout takes for the answer of an output neuron: its ``rate``, or its ``potential``, as the
        cross-entropy of a logistic rate does. Feedback is then the derivative with respect to the potential.
    dropout
        The chance to be left out of a presentation: such a neuron has no rate, apart from noise, and learns nothing;
        the others' rates are larger in turn, so that the mean stays. The population has to draw its ``lot``; without
        one, as in evaluation, no neuron is left out.
    normalised
        Whether the drive is normalised before the soma sees it: over all positions of a feature map, in a layer without
        positions over all of its neurons. Neurons have to know of each other for that, forward and back, so that it is
        not local. A bias comes after it.
    tau_m, tau_a
        Time constants of soma and apical compartment.
    method
        Integrator. An output population whose activation is not linear feeds an error that is not linear either
        into its apical compartment, which ``exact`` cannot integrate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    activation: str = "tanh"
    noise_site: Literal["rate", "current"] = "rate"
    sigma: NonNegativeFloat = 0.1
    readout: Literal["rate", "potential"] = "rate"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    # Left out where it is not used, so that a model's hash stays what it was before there was any.
    normalised: bool = Field(default=False, exclude_if=operator.not_)
    tau_m: TimeConstant = "10 ms"
    tau_a: TimeConstant = "5 ms"
    method: Literal["exact", "exponential_euler", "rk2", "rk4"] = "exact"


def build(config: Config) -> NeuronModel:
    """The neuron's equations for the chosen activation and site of noise."""
    at_rate = config.noise_site == "rate"
    activation, _ = parse_expression(ACTIVATIONS.get(config.activation, config.activation))
    rate, slope = activation, str(equations.symbolic.differentiate(activation, "v"))
    plain, normalised = (RATE, _normalised_rate.RATE) if at_rate else (CURRENT, _normalised_rate.CURRENT)
    text = normalised if config.normalised else plain
    parts = {"activation": rate, "derivative": slope, "passed_on": ERRORS[config.readout]}
    if config.dropout:
        text += _dropout_rate.SHARE
        parts = _dropout_rate.with_share(parts, config.dropout)
    return NeuronModel(
        str(with_parts(parse_equations(text), parts)),
        method=config.method,
        parameters={"tau_m": config.tau_m, "tau_a": config.tau_a, "sigma": config.sigma},
        ports={
            "drive": "drive",
            "output": "r",
            "readout": "r" if config.readout == "rate" else "v",
            "feedback": "feedback",
            "error": "delta",
            "site": "r" if at_rate else "drive",
            "perturbed": "r" if at_rate else "v",
            "signal": "a" if at_rate else "delta",
            # Factor from the gradient at the site of noise to that at the drive: a number, if the drive is not
            # normalised.
            **({"offset": "offset", "offset_error": "offset_delta"} if config.normalised else {"gain": "gain"}),
            **({"lot": "lot"} if config.dropout else {}),
        },
        means=_normalised_rate.MEANS if config.normalised else {},
        name="leaky_rate",
        reference="Lansdell, Prakash & Kording (2020), ICLR; in time after Dayan & Abbott (2001), section 7.2",
    )
