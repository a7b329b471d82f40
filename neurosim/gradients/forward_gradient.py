"""The same gradient forward in time: real-time recurrent learning, an independent reference for small networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.differentiable import GivenArrays, compiled, forward_gradient
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError
from neurosim.gradients._arguments import of_circuit
from neurosim.gradients._in_time import InTime, in_time

#: The largest population whose weights are differentiated forward in time.
MOST_NEURONS = 32


@of_circuit()
def forward_gradients(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    phase: str | None = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """The gradient of the mean loss over time, carried along with the state.

    Real-time recurrent learning (Williams & Zipser 1989, Neural Computation 1:270, equation 8) with weights that stay
    as they are during the presentation: each weight's influence on the whole state goes from step to step.

    Parameters
    ----------
    circuit, setting, state, stimuli, phase, seed
        As for `neurosim.gradients.credit_in_time.credit_in_time`.

    Returns
    -------
    dict
        Synaptic variable -> gradient, in its shape.

    Raises
    ------
    CircuitError
        As there, and for populations of more than `MOST_NEURONS` neurons.
    """
    what = in_time(circuit, setting, state, stimuli, phase=phase)
    large = [p for p in circuit.populations if p.size > MOST_NEURONS]
    if large:
        raise CircuitError(
            f"population '{large[0].name}' has {large[0].size} neurons; forward in time each weight's influence on all "
            f"neurons is carried along, which is meant for {MOST_NEURONS} at most; use credit_in_time, whose gradient "
            "is the same"
        )
    through = what.through
    with through.engine.precision():
        weights, given = through.given(state, stimuli, seed=seed).without(what.weights)
        gradients = jax.device_get(_forward(weights, given, what=what))
    return {name: np.asarray(gradient) for name, gradient in gradients.items()}


@compiled
def _forward(weights: Any, given: GivenArrays, *, what: InTime) -> Any:
    def loss(weights: Any) -> Any:
        (losses,) = what.through.ends(given, values=weights)
        return jnp.mean(losses[:, 0])

    return forward_gradient(loss, weights)
