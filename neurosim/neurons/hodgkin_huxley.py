"""Hodgkin and Huxley's neuron: the squid's sodium, potassium and leak currents per membrane area.

Potentials are absolute, with rest at -65 mV. Use a time step of 0.01 to 0.05 ms. One unit of ``drive`` is the
current ``i_scale``; the output ``r`` is the spike train filtered with ``tau_r``.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import (
    CapacitanceDensity,
    ConductanceDensity,
    CurrentDensity,
    Potential,
    TimeConstant,
)


class Config(BaseModel):
    """Settings of Hodgkin and Huxley's neuron.

    Attributes
    ----------
    c_m
        Capacitance per area.
    g_na, g_k, g_leak
        Largest conductances per area.
    e_na, e_k, e_leak
        Reversal potentials.
    v_th
        Potential whose upward crossing counts as a spike.
    tau_r
        Time constant of the filtered spike train.
    i_scale
        Current per area for one unit of drive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    c_m: CapacitanceDensity = "1 uF/cm**2"
    g_na: ConductanceDensity = "120 msiemens/cm**2"
    g_k: ConductanceDensity = "36 msiemens/cm**2"
    g_leak: ConductanceDensity = "0.3 msiemens/cm**2"
    e_na: Potential = "50 mV"
    e_k: Potential = "-77 mV"
    e_leak: Potential = "-54.4 mV"
    v_th: Potential = "-20 mV"
    tau_r: TimeConstant = "20 ms"
    i_scale: CurrentDensity = "10 uA/cm**2"


def build(config: Config) -> NeuronModel:
    """The neuron's equations."""
    # "18.0*mV": with a whole number sympy writes exp(v/mV)**(1/18), which overflows in single precision;
    # inside exprel it is a decimal number that it takes apart, and with it the care for 0/0.
    return NeuronModel(
        """
        dv/dt = (g_na*m**3*h*(e_na - v) + g_k*n**4*(e_k - v) + g_leak*(e_leak - v) + i_in)/c_m : volt
        dm/dt = alpha_m*(1 - m) - beta_m*m : 1
        dh/dt = alpha_h*(1 - h) - beta_h*h : 1
        dn/dt = alpha_n*(1 - n) - beta_n*n : 1
        dr/dt = -r/tau_r : 1
        alpha_m = 1/ms/exprel(-(v + 40*mV)/(10*mV)) : hertz
        beta_m = 4/ms*exp(-(v + 65*mV)/(18.0*mV)) : hertz
        alpha_h = 0.07/ms*exp(-(v + 65*mV)/(20.0*mV)) : hertz
        beta_h = 1/ms/(1 + exp(-(v + 35*mV)/(10.0*mV))) : hertz
        alpha_n = 0.1/ms/exprel(-(v + 55*mV)/(10*mV)) : hertz
        beta_n = 0.125/ms*exp(-(v + 65*mV)/(80.0*mV)) : hertz
        i_in = i_ext + i_scale*drive : amp/metre**2
        i_ext : amp/metre**2
        drive : 1
        c_m : farad/metre**2 (constant, shared)
        g_na : siemens/metre**2 (constant, shared)
        g_k : siemens/metre**2 (constant, shared)
        g_leak : siemens/metre**2 (constant, shared)
        e_na : volt (constant, shared)
        e_k : volt (constant, shared)
        e_leak : volt (constant, shared)
        v_th : volt (constant, shared)
        tau_r : second (constant, shared)
        i_scale : amp/metre**2 (constant, shared)
        """,
        threshold="v > v_th",
        # One spike for each crossing, however long the potential stays above.
        refractory="v > v_th",
        reset="r += 1",
        method="exponential_euler",
        parameters=config.model_dump(),
        initial={"v": "-65 mV", "m": 0.05293, "h": 0.59612, "n": 0.31768},
        ports={"drive": "drive", "output": "r"},
        name="hodgkin_huxley",
        reference="Hodgkin & Huxley (1952), Journal of Physiology 117, equations 26 and 7 to 24, table 3; "
        "potentials shifted to a rest of -65 mV",
    )
