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
from neurosim.circuit.composition import LOSS
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.host.program import program
from neurosim.engines.batched.presentation import present
from neurosim.engines.noise import noise_keys
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError
from neurosim.gradients._arguments import check_presented, of_circuit, phase_of

#: Width of the pseudo-derivative where the setting names none: a tenth of the distance of rest and threshold.
SURROGATE_WIDTH = 0.1


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
        The phase at whose end the loss counts; the first by default.

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
    >>> found = true_gradients(circuit, Setting(level="steady"), initial_state(circuit, 0), stimuli)
    >>> found.weights["W1.w"].shape
    (48, 64)
    """
    if circuit.readout is None:
        raise CircuitError(f"the circuit '{circuit.name}' has no readout, hence no loss to differentiate")
    check_presented(circuit, setting, state, stimuli, phase_of(circuit, phase).name)
    setting = with_surrogate(circuit, setting)
    engine = BatchedEngine(circuit, setting)
    phase = phase_of(circuit, phase).name
    with engine.precision():
        arrays = {name: engine.array(a) for name, a in stimuli.items()}
        values = {name: engine.array(a) for name, a in state.items()}
        weights = {f"{p.name}.w": values.pop(f"{p.name}.w") for p in circuit.owners}
        found = _differentiate(circuit, setting, phase, weights, values, arrays, noise_keys(circuit, 0))
        loss, by_site, by_weight = jax.device_get(found)
    sites = {name.split(".")[0]: array for name, array in by_site.items()}
    return Gradients(loss, sites, by_weight)


def with_surrogate(circuit: Circuit, setting: Setting) -> Setting:
    """The setting, with a width of the pseudo-derivative if the circuit spikes and the setting names none."""
    spiking = any(population.neuron.threshold is not None for population in circuit.populations)
    if not spiking or setting.surrogate_width is not None:
        return setting
    return replace(setting, surrogate_width=SURROGATE_WIDTH)


def sites_of(circuit: Circuit) -> tuple[str, ...]:
    """The sites of noise of all populations that have a port for it, except the output: ``hidden1.r``."""
    return tuple(
        f"{population.name}.{population.neuron.ports['site']}"
        for population in circuit.populations
        if "site" in population.neuron.ports and population.name != circuit.output_population
    )


@program(static=(0, 1, 2))
def _differentiate(
    circuit: Circuit, setting: Setting, phase: str, weights: Any, values: Any, stimuli: Any, keys: Any
) -> Any:
    trials = next(array.shape[-2] for array in stimuli.values() if array.ndim >= 2)
    names = [p.name for p in circuit.phases]
    upto = tuple(names[: names.index(phase) + 1])

    def losses(weights: Any, perturbations: Any) -> Any:
        outcome = present(
            circuit,
            setting,
            {**values, **weights},
            stimuli,
            keys,
            jnp.arange(trials, dtype=jnp.uint32),
            report=(LOSS,),
            learn=False,
            perturbations=perturbations,
            phases=upto,
        )
        return outcome.ends[phase][LOSS][:, 0]

    def total(weights: Any, perturbations: Any) -> Any:
        loss = losses(weights, perturbations)
        # Trials do not see each other: the gradient of the sum is each trial's own.
        return jnp.sum(loss), loss

    shapes = {name: (trials, circuit.population[name.split(".")[0]].size) for name in sites_of(circuit)}
    nothing = {name: jnp.zeros(shape, setting.dtype) for name, shape in shapes.items()}
    (_, loss), (by_weight, by_site) = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(weights, nothing)
    return loss, by_site, {name: gradient / trials for name, gradient in by_weight.items()}
