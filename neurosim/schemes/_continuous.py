"""Parts of schemes that learn all the time: noise that never stops, a running expectation of the loss, traces.

The *scale* of an estimate made in passing. Noise ``sigma*n(t)`` of unit variance and correlation time
``tau_noise`` enters a neuron at its site; the loss answers through the membranes above (and, for noise that is a
current, the neuron's own), each a low-pass of first order: to first order in sigma,
``loss - mean = sigma * sum_k g_k * (h_k * n_k)``, with ``g_k`` the gradient at the site and ``h_k`` the cascade of
those low-passes. The postsynaptic factor is the neuron's noise through a filter of its own, ``f_k = k * n_k``. Noise
of different neurons is independent, so the product has the mean ``sigma * g_k * <(k * n)(h * n)>``: the gradient
times a number that depends on time constants alone. `covariance` computes it, the expectation's own following
of the loss included (which takes a little away), and the factor is divided by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosim.circuit.description import Initial, Pathway, Population
from neurosim.errors import CircuitError
from neurosim.networks import layered
from neurosim.neurons._model import NeuronModel
from neurosim.units import parse_quantity

CRITIC = "critic"


@dataclass(frozen=True)
class Filters:
    """Linear filters of first order in a row; their order does not matter.

    Attributes
    ----------
    low
        Time constants of low-passes, in seconds.
    high
        Time constants of running means that are subtracted, in seconds.
    """

    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def covariance(first: Filters, second: Filters, tau_noise: float) -> float:
    """The covariance of one Ornstein-Uhlenbeck process seen through two filters.

    Parameters
    ----------
    tau_noise
        Correlation time in seconds of the process, which has variance one.

    Notes
    -----
    All filters' variables together are a linear system driven by white noise; its covariance P solves
    ``A P + P A^T + Q = 0`` (Gardiner 2009, Stochastic Methods, section 4.5.6).
    """
    size = 1 + sum(len(filters.low) + len(filters.high) for filters in (first, second))
    drift = np.zeros((size, size))
    drift[0, 0] = -1 / tau_noise
    outputs, used = [], 1
    for filters in (first, second):
        signal = np.eye(size)[0]
        for number, tau in enumerate((*filters.low, *filters.high)):
            state = np.eye(size)[used]
            drift[used] = (signal - state) / tau
            signal = state if number < len(filters.low) else signal - state
            used += 1
        outputs.append(signal)
    driving = np.zeros((size, size))
    driving[0, 0] = 2 / tau_noise
    # Late, so that checking settings does without SciPy.
    from scipy.linalg import solve_continuous_lyapunov

    joint = solve_continuous_lyapunov(drift, -driving)
    return float(outputs[0] @ joint @ outputs[1])


@dataclass(frozen=True)
class Estimating:
    """How a population estimates its gradient in passing.

    Attributes
    ----------
    factor
        ``noise`` or ``deviation``.
    filtered
        Where the factor is filtered: in the ``neuron``, in the ``synapse``, or not at all (``none``).
    baseline
        Whether an expectation of the loss is subtracted.
    tau_noise, tau_mean, tau_reward, tau_trace
        Quantities; without `tau_trace` it is that of the membrane.
    """

    factor: str
    filtered: str
    baseline: bool
    tau_noise: str
    tau_mean: str
    tau_reward: str
    tau_trace: str | None

    def trace_of(self, neuron: NeuronModel) -> float:
        """The time constant of the trace, in seconds."""
        return membrane_of(neuron) if self.tau_trace is None else parse_quantity(self.tau_trace, "second")


def estimating(population: Population, how: Estimating, above: Sequence[NeuronModel]) -> Population:
    """A population with noise, and a running estimate of the gradient at the place where the noise enters.

    Parameters
    ----------
    above
        Models of the populations on the way from this one to the loss, the output's last.
    """
    neuron = population.neuron
    require_noise(neuron)
    lines = ["dfluctuation/dt = -fluctuation/tau_noise + sqrt(2/tau_noise)*xi : 1", "loss : 1 (shared)"]
    values: dict[str, Any] = {"tau_noise": how.tau_noise, "normaliser": _normaliser(neuron, how, above)}
    source, scale = "fluctuation", "sigma*normaliser"
    if how.factor == "deviation":
        shown = _port(neuron, "perturbed")
        lines.append(f"drunning_mean/dt = ({shown} - running_mean)/tau_mean : 1")
        values["tau_mean"] = how.tau_mean
        source, scale = f"({shown} - running_mean)", "sigma**2*normaliser"
    if how.filtered == "neuron":
        lines.append(f"dtrace/dt = ({source} - trace)/tau_trace : 1")
        how.trace_of(neuron)
        values["tau_trace"] = how.tau_trace or neuron.parameters["tau_m"]
        source = "trace"
    lines.append(f"factor = {source}/({scale}) : 1")
    lines += ["surprise = loss - expected : 1", "expected : 1"] if how.baseline else ["surprise = loss : 1"]
    lines.append("estimate = factor*surprise : 1")
    return replace(
        population,
        equations="\n".join([population.equations, *lines]).strip(),
        parameters={**population.parameters, **values},
        bind={**population.bind, "noise": "fluctuation"},
        method="euler",
    )


def named_now(population: Population, *, rate: str | None = None) -> Population:
    """A population with the names under which rules that act at every step find its variables.

    Parameters
    ----------
    rate
        The variable that pathways from here read, if that is not the neuron's output.
    """
    ports = {**population.neuron.ports, **({} if rate is None else {"output": rate})}
    names = {"rate_now": "output", "error_now": "error", "signal_now": "signal", "gain_now": "gain"}
    lines = [f"{name} = {ports[port]} : 1" for name, port in names.items() if port in ports]
    return replace(population, equations="\n".join([population.equations, *lines]).strip())


def critic(tau_reward: str) -> Population:
    """One neuron that expects the loss: its state follows it."""
    neuron = NeuronModel(
        "dexpected/dt = (loss - expected)/tau_reward : 1\nloss : 1 (shared)",
        parameters={"tau_reward": tau_reward},
        name="critic",
    )
    return Population(CRITIC, 1, neuron)


def expectations(populations: Sequence[str]) -> tuple[Pathway, ...]:
    """Pathways, fixed at one, that tell populations what the critic expects."""
    told = Initial("constant", 1.0, None)
    rule = layered.rule_of("fixed")
    return tuple(Pathway(f"R_{p}", f"{CRITIC}.expected", f"{p}.expected", rule=rule, initial=told) for p in populations)


def membrane_of(neuron: NeuronModel) -> float:
    """The membrane's time constant in seconds."""
    if "tau_m" not in neuron.parameters:
        raise CircuitError(
            "it has no membrane (no parameter 'tau_m'), and estimates in continuous time are scaled by the time "
            "constants of the membranes that noise passes through"
        )
    if "tau_m" in neuron.per_neuron:
        raise CircuitError("its 'tau_m' differs between neurons, and estimates in continuous time are scaled by one")
    return neuron.parameter_values["tau_m"]


def require_noise(neuron: NeuronModel) -> None:
    """Refuse a neuron into which no noise can be injected.

    Raises
    ------
    CircuitError
        It fires at random by itself, or has no strength of noise.
    """
    if "factor" in neuron.ports or "sigma" not in neuron.parameters:
        how = "it fires at random by itself" if "factor" in neuron.ports else "it has no parameter 'sigma'"
        raise CircuitError(f"{how}, so there is no noise of a known size that can be injected and looked at again")


def _port(neuron: NeuronModel, port: str) -> str:
    if port not in neuron.ports:
        raise CircuitError(f"it does not say which of its variables is the port '{port}'")
    return neuron.ports[port]


def _normaliser(neuron: NeuronModel, how: Estimating, above: Sequence[NeuronModel]) -> float:
    """The mean of factor times response of the loss, in units of the gradient and of sigma."""
    at_current = _port(neuron, "site") == _port(neuron, "drive")
    own = (membrane_of(neuron),) if at_current else ()
    response = Filters(
        (*own, *map(membrane_of, above)), (parse_quantity(how.tau_reward, "second"),) if how.baseline else ()
    )
    trace = () if how.filtered == "none" else (how.trace_of(neuron),)
    seen = Filters(trace)
    if how.factor == "deviation":
        seen = Filters((*own, *trace), (parse_quantity(how.tau_mean, "second"),))
    return covariance(seen, response, parse_quantity(how.tau_noise, "second"))


def layers_above(models: Mapping[str, NeuronModel], layer: str) -> tuple[NeuronModel, ...]:
    """The models of the layers that come after one, in order."""
    names = list(models)
    return tuple(models[name] for name in names[names.index(layer) + 1 :])
