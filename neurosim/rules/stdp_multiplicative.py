"""Spike-timing dependent plasticity whose changes shrink as the weight comes near its ends, zero and `w_max`.

Potentiation is proportional to what is left up to `w_max`, depression to the weight: Rubin, Lee & Sompolinsky (2001),
Physical Review Letters 86:364; the case mu = 1 of Gütig, Aharonov, Rotter & Sompolinsky (2003), Journal of Neuroscience
23:3697.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    traces="dx/dt = -x/tau_plus : 1\ndy/dt = -y/tau_minus : 1",
    on_pre="x += 1\nw -= a_minus*w*y",
    on_post="y += 1\nw += a_plus*(w_max - w)*x",
    parameters={"a_plus": None, "a_minus": None, "w_max": None, "tau_plus": "20 ms", "tau_minus": "20 ms"},
    name="stdp_multiplicative",
)
