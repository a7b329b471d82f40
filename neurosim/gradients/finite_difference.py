"""The gradient of the expected loss by central differences with common random numbers.

For spiking networks, whose loss in a single trial is a step function: averaged over noise it is smooth, and
this is its gradient, at the price of two simulations for each neuron. Surrogate gradients are held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import reported_loss
from neurosim.engines.batched.differentiable import Differentiable, GivenArrays, compiled
from neurosim.engines.setting import Setting
from neurosim.gradients._arguments import check_presented, of_circuit, phase_of
from neurosim.gradients.true_gradient import sites_of


@of_circuit()
def finite_difference_gradients(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    epsilon: float,
    draws: int = 1,
    seed: int = 0,
    phase: str | None = None,
) -> dict[str, np.ndarray]:
    """Differentiate the expected loss at the end of a phase with respect to every site of noise.

    Parameters
    ----------
    circuit, setting, state, stimuli
        As for `BatchedEngine.run`.
    epsilon
        Half the difference, in the site's SI unit. Both sides see the same noise.
    draws
        Number of noise draws averaged over; each trial of a draw has its own.
    phase
        The phase at whose end the loss counts, the last by default (the one with noise, where there is one).

    Returns
    -------
    dict
        Population -> gradient of each trial's expected loss, shape (trial, n).
    """
    last = circuit.phases[-1].name if circuit.phases else None
    chosen = phase_of(circuit, last if phase is None else phase).name
    check_presented(circuit, setting, state, stimuli, chosen)
    through = Differentiable.until(circuit, setting, chosen, reported_loss(circuit))
    gradients = {}
    with through.engine.precision():
        given = through.given(state, stimuli, seed=seed)
        for site in sites_of(circuit):
            gradient = _differences(given, epsilon, through=through, site=site, draws=draws)
            gradients[site.split(".")[0]] = np.asarray(jax.device_get(gradient))
    return gradients


@compiled
def _differences(given: GivenArrays, epsilon: Any, *, through: Differentiable, site: str, draws: int) -> Any:
    """The gradient with respect to one site, (trial, n)."""
    trials, size, dtype = given.trials, through.circuit.population[site.split(".")[0]].size, through.setting.dtype

    def loss(neuron: Any, offset: Any, draw: Any) -> Any:
        bump = jnp.zeros((trials, size), dtype).at[:, neuron].set(offset)
        numbers = draw * trials + jnp.arange(trials, dtype=jnp.uint32)
        (losses,) = through.ends(given, perturbations={site: bump}, presentations=numbers)
        return losses[:, 0]

    def of_neuron(neuron: Any) -> Any:
        def one(draw: Any) -> Any:
            step = jnp.asarray(epsilon, dtype)
            return (loss(neuron, step, draw) - loss(neuron, -step, draw)) / (2 * step)

        return jnp.mean(jax.lax.map(one, jnp.arange(draws, dtype=jnp.uint32)), axis=0)

    return jax.lax.map(of_neuron, jnp.arange(size)).T
