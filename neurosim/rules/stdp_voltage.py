"""Voltage-based plasticity: depression at spikes in front, potentiation while the neuron behind is depolarised.

Clopath, Busing, Vasilaki & Gerstner (2010), Nature Neuroscience 13:344, equation 3 (homeostasis of the amplitude of
depression left out). `u_minus` and `u_plus` are low-pass filtered voltages of the neuron behind, whose voltage is `v`,
in volt; `x` is the trace of spikes in front. `a_ltd` is a weight per volt, `a_ltp` one per square volt and second.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += dt*a_ltp*x*(v_post - theta_plus)*int(v_post > theta_plus)*(u_plus - theta_minus)*int(u_plus > theta_minus)",
    traces="""
    dx/dt = -x/tau_x : 1
    du_minus/dt = (v_post - u_minus)/tau_minus : volt
    du_plus/dt = (v_post - u_plus)/tau_plus : volt
    """,
    on_pre="w -= a_ltd*(u_minus - theta_minus)*int(u_minus > theta_minus)\nx += 1",
    parameters={
        "a_ltd": None,
        "a_ltp": None,
        "theta_minus": "-70.6 mV",
        "theta_plus": "-45.3 mV",
        "tau_x": "15 ms",
        "tau_minus": "10 ms",
        "tau_plus": "7 ms",
    },
    initial={"u_minus": "-70.6 mV", "u_plus": "-70.6 mV"},
    timing="step",
    name="stdp_voltage",
)
