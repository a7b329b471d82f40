"""Leaky integrate-and-fire neuron whose threshold rises with every spike and falls back slowly.

Everything else is the neuron `lif`: a potential without a unit, an exponential synaptic current, a refractory
period, the filtered spike train ``r`` as output and an apical compartment for feedback.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import TimeConstant


class Config(BaseModel):
    """Settings of the adaptive leaky integrate-and-fire neuron.

    Attributes
    ----------
    v_th, v_reset, v_rest
        Threshold without adaptation, reset and resting potential.
    tau_m, tau_syn, tau_ref
        Time constants of membrane and synaptic current, refractory period.
    tau_theta, beta
        Time constant of the threshold's adaptation, and its rise with each spike.
    tau_r, tau_a
        Time constants of the filtered spike train and of the apical compartment.
    width
        Distance from the threshold at which the pseudo-derivative of the spike (``psi``) has fallen to a quarter.
    sigma
        Standard deviation of the held noise, a current.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    v_th: float = 1.0
    v_reset: float = 0.0
    v_rest: float = 0.0
    tau_m: TimeConstant = "20 ms"
    tau_syn: TimeConstant = "5 ms"
    tau_ref: TimeConstant = "2 ms"
    tau_theta: TimeConstant = "200 ms"
    beta: float = 0.1
    tau_r: TimeConstant = "20 ms"
    tau_a: TimeConstant = "5 ms"
    width: PositiveFloat = 0.5
    sigma: NonNegativeFloat = 0.1


def build(config: Config) -> NeuronModel:
    """The neuron's equations."""
    return NeuronModel(
        """
        dv/dt = (v_rest - v + i_syn + drive + i_ext + perturb*sigma*noise)/tau_m : 1 (unless refractory)
        di_syn/dt = -i_syn/tau_syn : 1
        dtheta/dt = -theta/tau_theta : 1
        dr/dt = -r/tau_r : 1
        psi = 1/(1 + abs(v - v_th - theta)/width)**2 : 1
        dreach/dt = (1 - reach)/tau_m : 1 (unless refractory)
        dslope/dt = (psi*reach/width - slope)/tau_r : 1
        gain = 1 : 1
        da/dt = (feedback - a)/tau_a : 1
        delta = slope*a : 1
        drive : 1
        feedback : 1
        i_ext : 1
        noise : 1
        perturb : 1 (shared)
        """,
        threshold="v > v_th + theta",
        reset="v = v_reset\nreach = 0\ntheta += beta\nr += 1",
        refractory="tau_ref",
        # The exact solution divides by tau_m - tau_syn.
        method="rk2",
        parameters=config.model_dump(),
        initial={"v": config.v_rest},
        ports={
            "drive": "drive",
            "output": "r",
            "feedback": "feedback",
            "error": "delta",
            "site": "drive",
            "signal": "delta",
            "gain": "gain",
        },
        name="adaptive_lif",
        reference="Bellec, Salaj, Subramoney, Legenstein & Maass (2018), NeurIPS 31, section 2",
    )
