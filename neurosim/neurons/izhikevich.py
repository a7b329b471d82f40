"""Izhikevich's quadratic neuron with a recovery variable.

The parameters are those of the regularly spiking cell. One unit of ``drive`` is the input ``i_scale``; the
output ``r`` is the spike train filtered with ``tau_r``.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import Potential, PotentialRate, Rate, TimeConstant


class Config(BaseModel):
    """Settings of Izhikevich's neuron, with the letters of the paper.

    Attributes
    ----------
    a, b
        Rate of the recovery variable, and its coupling to the potential.
    c, d
        Potential after a spike, and the rise of the recovery variable.
    v_spike
        Peak of the spike.
    v_start, u_start
        Potential and recovery variable at the start, by default the resting state.
    tau_r
        Time constant of the filtered spike train.
    i_scale
        Input for one unit of drive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    a: Rate = "0.02/ms"
    b: Rate = "0.2/ms"
    c: Potential = "-65 mV"
    d: PotentialRate = "8 mV/ms"
    v_spike: Potential = "30 mV"
    v_start: Potential = "-70 mV"
    u_start: PotentialRate = "-14 mV/ms"
    tau_r: TimeConstant = "20 ms"
    i_scale: PotentialRate = "10 mV/ms"


def build(config: Config) -> NeuronModel:
    """The neuron's equations."""
    return NeuronModel(
        """
        dv/dt = 0.04/(ms*mV)*v**2 + 5/ms*v + 140*mV/ms - u + i_in : volt
        du/dt = a*(b*v - u) : volt/second
        dr/dt = -r/tau_r : 1
        i_in = i_ext + i_scale*drive : volt/second
        i_ext : volt/second
        drive : 1
        a : hertz (constant, shared)
        b : hertz (constant, shared)
        c : volt (constant, shared)
        d : volt/second (constant, shared)
        v_spike : volt (constant, shared)
        tau_r : second (constant, shared)
        i_scale : volt/second (constant, shared)
        """,
        threshold="v >= v_spike",
        reset="v = c\nu += d\nr += 1",
        method="euler",
        parameters=config.model_dump(exclude={"v_start", "u_start"}),
        initial={"v": config.v_start, "u": config.u_start},
        ports={"drive": "drive", "output": "r"},
        name="izhikevich",
        reference="Izhikevich (2003), IEEE Transactions on Neural Networks 14(6), equations 1 to 3",
    )
