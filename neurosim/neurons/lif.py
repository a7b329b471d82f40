"""Leaky integrate-and-fire neuron with an exponential synaptic current and a refractory period.

The potential has no unit: the threshold is 1 above rest, so that inputs of order 1 matter. Graded inputs
(``drive``, ``i_ext``) and spikes (which add to ``i_syn``) are currents times the membrane's resistance. What
the neuron sends is ``r``, its spike train filtered with ``tau_r``: the number of recent spikes. Feedback
arrives in an apical compartment and counts as far as the output depends on the input current: ``reach`` is how far
a held current has moved the potential since the last spike, and ``slope`` averages its product with the
pseudo-derivative over the time that the output remembers. With inputs between 0 and 1, ``weights = 3.0`` and the
learned bias make a layered network of these neurons fire at 5 to 20 Hz before learning.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import TimeConstant


class Config(BaseModel):
    """Settings of the leaky integrate-and-fire neuron.

    Attributes
    ----------
    v_th, v_reset, v_rest
        Threshold, reset and resting potential.
    tau_m, tau_syn, tau_ref
        Time constants of membrane and synaptic current, refractory period.
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
        dr/dt = -r/tau_r : 1
        psi = 1/(1 + abs(v - v_th)/width)**2 : 1
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
        threshold="v > v_th",
        reset="v = v_reset\nreach = 0\nr += 1",
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
            "perturbed": "v",
            "signal": "delta",
            "gain": "gain",
        },
        name="lif",
        reference="Gerstner, Kistler, Naud & Paninski (2014), Neuronal Dynamics, section 1.3; "
        "pseudo-derivative after Zenke & Ganguli (2018), Neural Computation 30",
    )
