"""Leaky integrate-and-fire neuron with escape noise: it fires at random, the more likely the nearer the threshold.

In each step the neuron fires with probability ``1 - exp(-hazard*dt)``, where ``hazard`` grows exponentially with the
potential. Nothing has to be injected to learn from: how far the spikes that were drawn differ from those expected is
the noise. With ``noise_site = "current"`` the neuron keeps the derivative of the log-probability of its spike train
with respect to a held current (``score``), whose mean product with the loss is the gradient of the expected loss;
with ``"count"``, the spikes minus those expected since the phase began (``surplus``) over their variance
(``spread``). Potentials, currents and output as in the neuron `lif`; weights of the same scale suit.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat

from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import TimeConstant


class Config(BaseModel):
    """Settings of the leaky integrate-and-fire neuron with escape noise.

    Attributes
    ----------
    noise_site
        What the spikes' randomness counts as a change of: the input ``current``, or the ``count`` of spikes.
    v_th, v_reset, v_rest
        Potential at which the hazard is ``1/tau_0``, reset and resting potential.
    tau_0, width
        The hazard: its inverse at threshold, and the potential over which it grows e-fold.
    tau_m, tau_syn, tau_ref
        Time constants of membrane and synaptic current, refractory period.
    tau_r, tau_a
        Time constants of the filtered spike train and of the apical compartment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    noise_site: Literal["current", "count"] = "current"
    v_th: float = 1.0
    v_reset: float = 0.0
    v_rest: float = 0.0
    tau_0: TimeConstant = "5 ms"
    width: PositiveFloat = 0.1
    tau_m: TimeConstant = "20 ms"
    tau_syn: TimeConstant = "5 ms"
    tau_ref: TimeConstant = "2 ms"
    tau_r: TimeConstant = "20 ms"
    tau_a: TimeConstant = "5 ms"


def build(config: Config) -> NeuronModel:
    """The neuron's equations for the chosen site of noise."""
    at_current = config.noise_site == "current"
    # The probability that is in force at a threshold is the one that was subtracted in the same step: both are of
    # the state at the step's beginning, hence 'chance' and 'worth', which repeat them one line later.
    noise = (
        """
        weight = reach/(width*exprel(-hazard*dt)) : 1
        dworth/dt = (weight - worth)/dt : 1
        dscore/dt = -perturb*probability*weight/dt : 1
        factor = score : 1
        gain = 1 : 1
        """
        if at_current
        else """
        dsurplus/dt = -perturb*probability/dt : 1
        dspread/dt = perturb*probability*(1 - probability)/dt : 1
        factor = surplus/(spread + 1e-6) : 1
        gain = slope : 1
        """
    )
    return NeuronModel(
        f"""
        dv/dt = (v_rest - v + i_syn + drive + i_ext)/tau_m : 1 (unless refractory)
        di_syn/dt = -i_syn/tau_syn : 1
        dr/dt = -r/tau_r : 1
        sent = r : 1
        hazard = exp(clip((v - v_th)/width, -50, 5))/tau_0 : hertz
        probability = int(not_refractory)*(1 - exp(-hazard*dt)) : 1
        dchance/dt = (probability - chance)/dt : 1
        dreach/dt = (1 - reach)/tau_m : 1 (unless refractory)
        dslope/dt = reach*hazard*exp(-hazard*dt)*int(not_refractory)/width - slope/tau_r : 1
        {noise}
        da/dt = (feedback - a)/tau_a : 1
        delta = slope*a : 1
        drive : 1
        feedback : 1
        i_ext : 1
        perturb : 1 (shared)
        """,
        threshold="rand() < chance",
        reset="v = v_reset\nreach = 0\nr += 1\n" + ("score += perturb*worth" if at_current else "surplus += perturb"),
        refractory="tau_ref",
        # What is repeated one line later divides by dt, which only this method undoes exactly.
        method="euler",
        parameters=config.model_dump(exclude={"noise_site"}),
        initial={"v": config.v_rest},
        ports={
            "drive": "drive",
            "output": "sent",
            "feedback": "feedback",
            "error": "delta",
            "site": "drive" if at_current else "sent",
            "signal": "delta" if at_current else "a",
            "gain": "gain",
            "factor": "factor",
        },
        name="lif_escape",
        reference="Gerstner, Kistler, Naud & Paninski (2014), Neuronal Dynamics, section 9.1; the score after "
        "Pfister, Toyoizumi, Barber & Gerstner (2006), Neural Computation 18, equation 2.9",
    )
