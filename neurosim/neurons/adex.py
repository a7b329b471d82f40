"""Adaptive exponential integrate-and-fire neuron.

The parameters are those of the regularly spiking cell of the paper. One unit of ``drive`` is the current
``i_scale``; the output ``r`` is the spike train filtered with ``tau_r``.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import Capacitance, Conductance, Current, Potential, Slope, TimeConstant


class Config(BaseModel):
    """Settings of the adaptive exponential neuron.

    Attributes
    ----------
    c_m, g_leak, e_leak
        Capacitance, leak conductance and resting potential.
    v_th, delta_t
        Potential at which the spike sets off, and the sharpness of its onset.
    v_spike, v_reset
        Potential at which the upswing is cut and counted as a spike, and where it starts again.
    tau_w, a, b
        Adaptation: time constant, coupling to the potential, rise with each spike.
    tau_r
        Time constant of the filtered spike train.
    i_scale
        Current for one unit of drive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    c_m: Capacitance = "281 pF"
    g_leak: Conductance = "30 nS"
    e_leak: Potential = "-70.6 mV"
    v_th: Potential = "-50.4 mV"
    delta_t: Slope = "2 mV"
    v_spike: Potential = "20 mV"
    v_reset: Potential = "-70.6 mV"
    tau_w: TimeConstant = "144 ms"
    a: Conductance = "4 nS"
    b: Current = "0.0805 nA"
    tau_r: TimeConstant = "20 ms"
    i_scale: Current = "1 nA"


def build(config: Config) -> NeuronModel:
    """The neuron's equations."""
    return NeuronModel(
        """
        dv/dt = (g_leak*(e_leak - v) + g_leak*delta_t*exp((v - v_th)/delta_t) - w + i_in)/c_m : volt
        dw/dt = (a*(v - e_leak) - w)/tau_w : amp
        dr/dt = -r/tau_r : 1
        i_in = i_ext + i_scale*drive : amp
        i_ext : amp
        drive : 1
        c_m : farad (constant, shared)
        g_leak : siemens (constant, shared)
        e_leak : volt (constant, shared)
        v_th : volt (constant, shared)
        delta_t : volt (constant, shared)
        v_spike : volt (constant, shared)
        v_reset : volt (constant, shared)
        tau_w : second (constant, shared)
        a : siemens (constant, shared)
        b : amp (constant, shared)
        tau_r : second (constant, shared)
        i_scale : amp (constant, shared)
        """,
        threshold="v > v_spike",
        reset="v = v_reset\nw += b\nr += 1",
        # Methods of several stages carry the upswing of the spike, which has no end, into w.
        method="euler",
        parameters=config.model_dump(),
        initial={"v": config.e_leak},
        ports={"drive": "drive", "output": "r"},
        name="adex",
        reference="Brette & Gerstner (2005), Journal of Neurophysiology 94, equations 1 to 3 and table 1",
    )
