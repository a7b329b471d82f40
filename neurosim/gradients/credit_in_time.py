"""The credit of every step: how the loss over time depends on what each neuron sends at each instant.

Total credit counts all later steps, as backpropagation through time does. Immediate credit counts no recurrent
transmission, which is what e-prop with the exact transposed readout delivers. Between the two, credit with at most so
many transmissions ("hops").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.differentiable import GivenArrays, Probes, by_transmissions, compiled, in_full, sent_by
from neurosim.engines.setting import Setting
from neurosim.gradients._arguments import of_circuit
from neurosim.gradients._in_time import InTime, in_time

Credit = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class CreditInTime:
    """Credit of every step, and the gradient of weights that belongs to it.

    Attributes
    ----------
    loss
        Of each trial, summed over time, shape (trial,).
    total
        ``population.variable`` -> derivative of each trial's loss with respect to what pathways receive of it in each
        step, shape (trial, step, n); with `hops`, through at most so many recurrent transmissions. Steps are those of
        recordings. Divided by `dt` it is a density, which an ``error : Hz`` can be compared with.
    immediate
        The same without any recurrent transmission.
    kicks
        State variable -> derivative with respect to a kick at the beginning of each step, likewise.
    immediate_kicks
        The same without any recurrent transmission.
    weights
        Synaptic variable -> gradient of the mean loss over trials, in the variable's shape, with as many transmissions.
    immediate_weights
        The same without any: what e-prop with the exact transposed readout gives.
    recurrent
        The pathways whose transmissions are counted.
    hops
        How many of them count; none if all do.
    dt
        The time step, in seconds.
    spikes
        How spikes are differentiated; empty where nothing spikes.
    """

    loss: np.ndarray
    total: Credit
    immediate: Credit
    kicks: Credit
    immediate_kicks: Credit
    weights: dict[str, np.ndarray]
    immediate_weights: dict[str, np.ndarray]
    recurrent: tuple[str, ...]
    hops: int | None
    dt: float
    spikes: str = ""


@of_circuit()
def credit_in_time(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    hops: int | None = None,
    kicked: Sequence[str] = (),
    recurrent: Sequence[str] | None = None,
    immediate: bool = True,
    phase: str | None = None,
    seed: int = 0,
    first: int = 0,
) -> CreditInTime:
    """Differentiate the loss over time with respect to what each neuron sends at each step.

    Parameters
    ----------
    circuit, setting, state, stimuli, seed, first
        As for `BatchedEngine.run`; the circuit is over time. Weights stay as they are: rules do not act. Spikes have a
        surrogate derivative, of width `neurosim.gradients.true_gradient.SURROGATE_WIDTH` if the setting names none.
    hops
        How many recurrent transmissions count; all by default. With none of them (0) weights have the gradient of
        e-prop with the exact transposed readout: each neuron's own state is followed, and nothing else.
    kicked
        State variables whose own credit is wanted, ``hidden1.v``.
    recurrent
        The pathways whose transmissions are counted; by default those with the roles recurrent, lateral and feedback,
        and those from a population to itself.
    immediate
        Whether immediate credit is wanted beside the total one; left out, it is empty, and takes no time.
    phase
        The phase at whose end the loss is read; the first by default.

    Returns
    -------
    CreditInTime
        Total and immediate credit, and gradients.

    Raises
    ------
    CircuitError
        If the circuit is not over time, its recurrent pathways cannot be told, or arrays do not fit.

    Notes
    -----
    All steps are differentiated in one backward pass, with respect to zeros that are added within the loop over time:
    Williams & Zipser (1989), Neural Computation 1:270. Without `hops` that is one pass for total and one for immediate
    credit; with them, one for each transmission.

    Examples
    --------
    >>> import neurosim
    >>> from neurosim.engines.stimuli import stimuli_of
    >>> model = neurosim.load("learned_in_time/teacher+symmetric", ["task.n_train=8", "task.n_validation=8"])
    >>> circuit, setting = model.circuit, model.engine.setting
    >>> shown = stimuli_of(circuit, model.load_task(seed=0).validation, slice(8), dt=setting.dt)
    >>> state = neurosim.initial_state(circuit, 0)
    >>> credit = neurosim.credit_in_time(circuit, setting, state, shown)
    >>> credit.total["hidden1.r"].shape  # trial, step, neuron
    (8, 51, 40)
    """
    uncut = not immediate and hops is None
    what = in_time(circuit, setting, state, stimuli, phase=phase, added=kicked, recurrent=recurrent, uncut=uncut)
    through = what.through
    with through.engine.precision():
        weights, given = through.given(state, stimuli, seed=seed).without(what.weights)
        numbers = jnp.asarray((int(first) + np.arange(given.trials)).astype(np.uint32))
        transmissions = None if hops is None else jnp.asarray(hops, jnp.int32)
        derivatives = jax.device_get(_credit(weights, given, numbers, transmissions, what=what))
    loss, (local_weights, local, local_kicks), (by_weight, by_variable, by_kick) = derivatives
    trials = loss.shape[0]
    return CreditInTime(
        loss=loss,
        total=_trials_first(by_variable),
        immediate=_trials_first(local),
        kicks=_trials_first(by_kick),
        immediate_kicks=_trials_first(local_kicks),
        weights={name: gradient / trials for name, gradient in by_weight.items()},
        immediate_weights={name: gradient / trials for name, gradient in local_weights.items()},
        recurrent=what.cut or (),
        hops=hops,
        dt=setting.dt,
        spikes=how_spikes_are_differentiated(through.circuit, through.setting),
    )


def how_spikes_are_differentiated(circuit: Circuit, setting: Setting) -> str:
    """A sentence on the surrogate; empty where nothing spikes."""
    if all(population.model.threshold is None for population in circuit.populations):
        return ""
    reset = "goes through resets, too" if setting.surrogate_reset else "does not go through resets"
    told = [p.name for p in circuit.populations if "pseudo_derivative" in p.neuron.ports]
    own = f" (of {', '.join(told)}: that of its own equations)" if told else ""
    return f"spikes have a surrogate derivative of width {setting.surrogate_width:g}{own}, which {reset}"


def _trials_first(credit: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.swapaxes(array, 0, 1) for name, array in credit.items()}


@compiled
def _credit(weights: Any, given: GivenArrays, numbers: Any, hops: Any, *, what: InTime) -> Any:
    """Losses, the gradient without transmissions, and that with them: of weights, variables, and kicks."""
    through = what.through

    def presented(weights: Any, received: Any, added: Any, cut: Any) -> Any:
        probes = Probes(added, received, cut)
        outcome = through.present(given, values=weights, presentations=numbers, probes=probes)
        loss = outcome.ends[what.phase][through.report[0]][:, 0]
        # Trials do not see each other: the gradient of the sum is each trial's own.
        return (jnp.sum(loss), sent_by(outcome)), loss

    zero = through.probes(given, added=what.added, received=what.received, cut=what.cut or ())
    at = (weights, zero.received, zero.added)
    if what.cut is None or hops is None:
        loss, full = in_full(presented, at)
    if what.cut is None:
        return loss, ({}, {}, {}), full
    loss, local, counted = by_transmissions(presented, at, zero.cut, 0 if hops is None else hops)
    return loss, local, full if hops is None else counted
