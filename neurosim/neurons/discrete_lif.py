"""Leaky integrate-and-fire neuron in discrete time, with an adaptive threshold if asked: for e-prop.

Each step is a closed form, whatever its length: the potential keeps ``exp(-dt/tau_m)`` of itself, adds what drives it,
and loses the threshold in the step after a spike. What it sends to other neurons is ``z``, one for the step after a
spike and zero otherwise; a readout sees ``rf``, spikes filtered with ``tau_out``. The pseudo-derivative ``psi`` of a
spike is zero while the neuron is refractory.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import TimeConstant

#: Adaptation of the threshold.
ADAPTATION = """
    da_th/dt = ((exp(-dt/tau_theta) - 1)*a_th + z)/dt : 1
    rho = exp(-dt/tau_theta) : 1
"""


class Config(BaseModel):
    """Settings of the leaky integrate-and-fire neuron in discrete time.

    Attributes
    ----------
    v_th
        The threshold, without adaptation.
    tau_m, tau_out
        Time constants of the potential, and of the filter of spikes that a readout sees.
    input_share
        Whether what drives the neuron counts with the share that the potential loses in a step, as of a low-pass, or
        in full.
    beta, tau_theta
        The rise of the threshold with each spike, and the time constant with which it falls back; without a rise the
        neuron has no adaptation.
    adaptive_share
        The share of a population's neurons, its last ones, whose threshold rises (rounded up).
    refractory_steps
        Time steps after a spike in which there is no other.
    damping
        Height of the pseudo-derivative at the threshold, times the threshold.
    sigma
        Standard deviation of the noise, which adds to what drives the neuron.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    v_th: PositiveFloat = 1.0
    tau_m: TimeConstant = "20 ms"
    tau_out: TimeConstant = "20 ms"
    input_share: bool = False
    beta: NonNegativeFloat = 0.0
    tau_theta: TimeConstant = "200 ms"
    adaptive_share: float = Field(default=1.0, gt=0, le=1)
    refractory_steps: NonNegativeInt = 0
    damping: PositiveFloat = 0.3
    sigma: NonNegativeFloat = 0.1


def _rises(config: Config) -> float | str:
    """The rise of the threshold: a number, or text that gives each neuron its own."""
    if config.adaptive_share == 1:
        return config.beta
    # Rounded up, but for what is left of a product that should be whole.
    return f"{config.beta!r}*int(i + 1 - 1e-6 > {1 - config.adaptive_share!r}*N)"


def build(config: Config) -> NeuronModel:
    """The neuron's equations."""
    adapts = config.beta > 0
    level = "v_th + beta*a_th" if adapts else "v_th"
    share = "(1 - exp(-dt/tau_m))*" if config.input_share else ""
    parameters = config.model_dump(include={"v_th", "tau_m", "tau_out", "damping", "sigma"})
    # One more than the steps without a spike, as the first of them begins with the step after the spike.
    rest = float(config.refractory_steps + 1)
    if adapts:
        parameters |= {"beta": _rises(config), "tau_theta": config.tau_theta}
    return NeuronModel(
        f"""
        dv/dt = ((exp(-dt/tau_m) - 1)*v + {share}(drive + perturb*sigma*noise) - v_th*fired)/dt : 1
        dfired/dt = -fired/dt : 1
        dz/dt = -z/dt : 1
        drest/dt = -clip(rest, 0, 1)/dt : 1
        drf/dt = (exp(-dt/tau_out) - 1)*rf/dt : 1
        {ADAPTATION if adapts else ""}
        level = {level} : 1
        margin = v - level : 1
        ready = int(rest < 0.5) + z : 1
        share = {share.rstrip("*") or "1"} : 1
        kappa = exp(-dt/tau_out) : 1
        psi = damping/v_th*clip(1 - abs(v - level)/v_th, 0, 1)*(int(rest < 0.5) + z) : 1
        gain = 1 : 1
        delta = psi*feedback : 1
        drive : 1
        feedback : 1
        noise : 1
        perturb : 1 (shared)
        """,
        threshold=f"v > {level} and rest < 0.5",
        # What only resets the neuron is a variable apart from what others receive: derivatives can leave it out.
        reset=f"z += 1\nrf += 1 - exp(-dt/tau_out)\nfired = 1\nrest = {rest}",
        # Steps are written out as closed forms over dt, which only this method undoes exactly.
        method="euler",
        parameters=parameters,
        ports={
            "drive": "drive",
            "output": "z",
            "readout": "rf",
            "feedback": "feedback",
            "error": "delta",
            "site": "drive",
            "perturbed": "v",
            "signal": "delta",
            "gain": "gain",
            "pseudo_derivative": "psi",
            "memory": "kappa",
            "margin": "margin",
            "ready": "ready",
            "share": "share",
            **({"adaptation": "beta", "adaptation_memory": "rho"} if adapts else {}),
        },
        name="discrete_lif",
        reference="Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass (2020), Nature Communications 11:3625",
    )
