"""The gradient of the loss, by automatic differentiation through the engine that simulates.

Exact for the steady and the rate level. Every other quantity that claims to be a gradient is held against
this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import reported_loss
from neurosim.circuit.ruleless import without_rules
from neurosim.engines.batched.differentiable import Differentiable, GivenArrays, compiled
from neurosim.engines.batched.surrogate import SURROGATE_WIDTH as SURROGATE_WIDTH
from neurosim.engines.batched.surrogate import with_surrogate as with_surrogate
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError
from neurosim.gradients._arguments import check_presented, of_circuit, phase_of


@dataclass(frozen=True)
class Gradients:
    """The gradient of the trial's loss at the end of a phase.

    Attributes
    ----------
    loss
        Of each trial, shape (trial,).
    sites
        Population -> gradient with respect to a perturbation of its site of noise, held through the phase,
        shape (trial, n): each trial's own loss.
    weights
        Synaptic variable -> gradient of the mean loss over trials, in the variable's shape.
    """

    loss: np.ndarray
    sites: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]


@of_circuit()
def true_gradients(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    phase: str | None = None,
) -> Gradients:
    """Differentiate the loss at the end of a phase, starting from the presentation's beginning.

    Parameters
    ----------
    circuit, setting, state, stimuli
        As for `BatchedEngine.run`. In a spiking circuit this is a surrogate gradient, of width `SURROGATE_WIDTH`
        if the setting names none.
    phase
        The phase at whose end the loss counts; the first by default. Over time, the loss summed until then.

    Returns
    -------
    Gradients
        Of each trial's loss with respect to weights, and to each population's site of noise.

    Raises
    ------
    CircuitError
        If the circuit has no readout, hence no loss.

    Examples
    --------
    >>> import numpy as np
    >>> from neurosim import Setting, initial_state, load
    >>> circuit = load("lansdell2020/digits").circuit
    >>> stimuli = {"input.r": np.ones((4, 64)), "output.target": np.eye(10)[:4]}
    >>> gradients = true_gradients(circuit, Setting(level="steady"), initial_state(circuit, 0), stimuli)
    >>> gradients.weights["W1.w"].shape
    (48, 64)
    """
    if circuit.readout is None:
        raise CircuitError(f"the circuit '{circuit.name}' has no readout, hence no loss to differentiate")
    check_presented(circuit, setting, state, stimuli, phase_of(circuit, phase).name)
    setting = with_surrogate(circuit, setting)
    circuit = without_rules(circuit) if circuit.over_time else circuit
    through = Differentiable.until(circuit, setting, phase_of(circuit, phase).name, reported_loss(circuit))
    through = replace(through, lean=circuit.over_time)
    with through.engine.precision():
        weights, given = through.given(state, stimuli).without([f"{p.name}.w" for p in circuit.owners])
        loss, by_site, by_weight = jax.device_get(_differentiate(weights, given, through=through))
    sites = {name.split(".")[0]: array for name, array in by_site.items()}
    return Gradients(loss, sites, by_weight)


def sites_of(circuit: Circuit) -> tuple[str, ...]:
    """The sites of noise of all populations that have a port for it, except the output: ``hidden1.r``."""
    return tuple(
        f"{population.name}.{population.neuron.ports['site']}"
        for population in circuit.populations
        if "site" in population.neuron.ports and population.name != circuit.output_population
    )


@compiled
def _differentiate(weights: Any, given: GivenArrays, *, through: Differentiable) -> Any:
    """Each trial's loss, its gradient with respect to sites, and that of the mean with respect to weights."""

    def total(weights: Any, perturbations: Any) -> Any:
        (losses,) = through.ends(given, values=weights, perturbations=perturbations)
        loss = losses[:, 0]
        # Trials do not see each other: the gradient of the sum is each trial's own.
        return jnp.sum(loss), loss

    nothing = through.nothing(given, sites_of(through.circuit))
    (_, loss), (by_weight, by_site) = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(weights, nothing)
    return loss, by_site, {name: gradient / given.trials for name, gradient in by_weight.items()}
