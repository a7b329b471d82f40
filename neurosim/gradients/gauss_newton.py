"""The damped Gauss-Newton direction at every site of noise, beside the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.differentiable import Differentiable, GivenArrays, compiled
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError
from neurosim.gradients._arguments import check_presented, of_circuit, phase_of
from neurosim.gradients.true_gradient import sites_of, with_surrogate


@of_circuit()
def gauss_newton_signals(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    damping: float = 1e-3,
    phase: str | None = None,
) -> dict[str, np.ndarray]:
    """The activity change that, to first order, removes the output error: ``J^T (J J^T + damping I)^-1 e``.

    Parameters
    ----------
    circuit, setting, state, stimuli
        As for `BatchedEngine.run`. In a spiking circuit spikes are differentiated as in `true_gradients`.
    damping
        Added to the diagonal; with zero it is the pseudo-inverse where the Jacobian has full row rank.
    phase
        The phase at whose end the output counts; the first by default.

    Returns
    -------
    dict
        Population -> direction for each trial, shape (trial, n), with the sign of a gradient: subtract it to
        lower the loss. ``J`` is the Jacobian of the readout's ``y`` with respect to the site, ``e`` the
        readout's error.

    Raises
    ------
    CircuitError
        If the circuit has no readout.
    """
    if circuit.readout is None:
        raise CircuitError(f"the circuit '{circuit.name}' has no readout, hence no error to remove")
    check_presented(circuit, setting, state, stimuli, phase_of(circuit, phase).name)
    setting = with_surrogate(circuit, setting)
    through = answering(circuit, setting, phase_of(circuit, phase).name)
    with through.engine.precision():
        directions = _directions(through.given(state, stimuli), damping, through=through)
        return {site.split(".")[0]: np.asarray(a) for site, a in jax.device_get(directions).items()}


def answering(circuit: Circuit, setting: Setting, phase: str) -> Differentiable:
    """A presentation that gives the readout's answer and its error at the end of a phase.

    Raises
    ------
    CircuitError
        The loss is over time.
    """
    if circuit.over_time:
        raise CircuitError(
            f"the loss of the circuit '{circuit.name}' counts at every step, and Gauss-Newton directions are those of "
            "one output, at the end of a phase; use neurosim.gradients.credit_in_time"
        )
    output = circuit.output_population
    return Differentiable.until(circuit, setting, phase, f"{output}.y", f"{output}.error")


@compiled
def _directions(given: GivenArrays, damping: Any, *, through: Differentiable) -> Any:
    def answer(perturbations: Any) -> Any:
        return through.ends(given, perturbations=perturbations)

    nothing = through.nothing(given, sites_of(through.circuit))
    output, pull, errors = jax.vjp(answer, nothing, has_aux=True)
    basis = jnp.eye(output.shape[1], dtype=output.dtype)
    # One row of every trial's Jacobian at a time: trials do not see each other.
    rows = jax.vmap(lambda row: pull(jnp.broadcast_to(row, output.shape))[0])(basis)

    def solve(jacobian: Any) -> Any:
        jacobian = jnp.moveaxis(jacobian, 0, 1)  # (trial, output, neuron)
        gram = jacobian @ jnp.swapaxes(jacobian, 1, 2) + damping * basis
        return jnp.einsum("kon,ko->kn", jacobian, jnp.linalg.solve(gram, errors[..., None])[..., 0])

    return {site: solve(jacobian) for site, jacobian in rows.items()}
