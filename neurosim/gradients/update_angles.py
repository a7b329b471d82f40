"""The angle of weight updates to gradient descent and to Gauss-Newton updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.noiseless import undisturbed
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.gradients._arguments import check_presented, of_circuit
from neurosim.gradients.feedback import incoming_weights
from neurosim.gradients.gauss_newton_update import gauss_newton_updates
from neurosim.gradients.true_gradient import Gradients, true_gradients
from neurosim.metrics import angle

_GRADIENT = "update_angle_deg"
#: The fields of `GaussNewtonUpdates`, by the number that holds the angle to each.
_GAUSS_NEWTON = {
    "update_gauss_newton_angle_deg": "together",
    "update_trial_gauss_newton_angle_deg": "by_trial",
    "update_layer_gauss_newton_angle_deg": "by_layer",
}
#: Angles to Gauss-Newton updates.
GAUSS_NEWTON_ANGLES = tuple(_GAUSS_NEWTON)

#: Number -> synaptic variable -> what an update is compared with the negative of.
References = Mapping[str, Mapping[str, np.ndarray]]


@of_circuit()
def update_angles(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    seed: int = 0,
    first: int = 0,
    gauss_newton: float | None = None,
) -> dict[str, dict[str, float]]:
    """Measure every forward pathway that learns, by itself, on one batch of trials.

    Parameters
    ----------
    circuit, setting, state, stimuli, seed, first
        As for `BatchedEngine.run`.
    gauss_newton
        Damping of the Gauss-Newton updates; without it there are none.

    Returns
    -------
    dict
        Pathway -> ``update_angle_deg`` and, with Gauss-Newton updates, the numbers of the same names that
        `neurosim.gradients.alignment` has of whole layers.
    """
    check_presented(circuit, setting, state, stimuli)
    quiet = undisturbed(circuit)
    truth = true_gradients(quiet, setting, state, stimuli)
    references = references_of(quiet, setting, state, stimuli, truth, gauss_newton)
    after, _ = BatchedEngine(circuit, setting).run(state, stimuli, seed=seed, first=first)
    names = [name for p in circuit.populations for name in incoming_weights(circuit, p.name)]
    return {name.split(".")[0]: angles_of([name], state, after, references) for name in names}


def references_of(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    truth: Gradients,
    gauss_newton: float | None,
) -> References:
    """References for updates: the gradient and, with a damping, Gauss-Newton updates."""
    references: dict[str, Mapping[str, np.ndarray]] = {_GRADIENT: truth.weights}
    if gauss_newton is not None:
        updates = gauss_newton_updates(circuit, setting, state, stimuli, damping=gauss_newton)
        references |= {name: getattr(updates, field) for name, field in _GAUSS_NEWTON.items()}
    return references


def angles_of(
    names: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any], references: References
) -> dict[str, float]:
    """The angles of the change of some weights, taken together, to minus each reference; nan where there are none."""
    if not names:
        return dict.fromkeys(references, np.nan)
    update = np.concatenate([np.ravel(after[name] - np.asarray(before[name])) for name in names])
    return {
        number: float(angle.measure(update, -np.concatenate([np.ravel(reference[name]) for name in names])))
        for number, reference in references.items()
    }
