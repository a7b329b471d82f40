"""The damped Gauss-Newton update of forward weights, over a batch: a reference for updates beside the gradient.

With J the Jacobian of all trials' answers with respect to weights, K trials, errors e and damping d, the update is
``(J^T J/K + d)^-1 J^T e/K``, which is ``J^T (J J^T + K d)^-1 e``: a system of as many rows as trials times outputs,
however many weights there are. For the squared error that is the Gauss-Newton step of the mean loss (Nocedal & Wright
2006, Numerical Optimization, section 10.3); for others it is the smallest change of weights that, to first order,
removes the readout's error, as in `gauss_newton`, without the loss's own curvature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.differentiable import Differentiable, GivenArrays, compiled, trials_of
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError, ConfigError
from neurosim.gradients._arguments import check_presented, of_circuit, phase_of
from neurosim.gradients.feedback import incoming_weights
from neurosim.gradients.gauss_newton import answering
from neurosim.gradients.true_gradient import with_surrogate

#: Trials times outputs at most: the system is solved on the host, where that many rows take five seconds a layer.
MOST_ROWS = 4096
# Rows of the system that are made at once; each is as large as all weights.
_TOGETHER = 16
# What is zero in a system without damping, in units of the precision in which it was made.
_CUT = 1e3


@dataclass(frozen=True)
class GaussNewtonUpdates:
    """Directions with the sign of a gradient: subtract them to lower the loss.

    Attributes
    ----------
    together
        Synaptic variable (``W1.w``) -> the update of all forward weights that learn, over the batch.
    by_trial
        The mean of each trial's own update of all of them: what batches of one would do.
    by_layer
        The update over the batch if the weights into each layer were the only ones that learn.
    """

    together: dict[str, np.ndarray]
    by_trial: dict[str, np.ndarray]
    by_layer: dict[str, np.ndarray]


@of_circuit()
def gauss_newton_updates(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    damping: float,
    phase: str | None = None,
) -> GaussNewtonUpdates:
    """Solve for the update of all forward weights that learn, biases included.

    Parameters
    ----------
    circuit, setting, state, stimuli
        As for `BatchedEngine.run`. In a spiking circuit spikes are differentiated as in `true_gradients`.
    damping
        Added to the mean curvature; with zero the update is the smallest of the least-squares solutions.
    phase
        The phase at whose end the answer counts; the first by default.

    Raises
    ------
    CircuitError
        If the circuit has no readout.
    ConfigError
        If trials times outputs are more than `MOST_ROWS`.
    """
    if circuit.readout is None:
        raise CircuitError(f"the circuit '{circuit.name}' has no readout, hence no error to remove")
    check_presented(circuit, setting, state, stimuli, phase_of(circuit, phase).name)
    setting = with_surrogate(circuit, setting)
    layers = tuple(names for p in circuit.populations if (names := incoming_weights(circuit, p.name)))
    if not layers:
        return GaussNewtonUpdates({}, {}, {})
    _check_rows(trials_of(stimuli), circuit.population[str(circuit.output_population)].size)
    through = answering(circuit, setting, phase_of(circuit, phase).name)
    with through.engine.precision():
        weights, given = through.given(state, stimuli).without([name for names in layers for name in names])
        grams, errors = jax.device_get(_grams(weights, given, through=through, layers=layers))
        pulls = through.engine.array(_solved(grams, errors, damping))
        pulled = jax.device_get(_pulled(pulls, weights, given, through=through))
    own = {name: pulled[name][2 + place] for place, names in enumerate(layers) for name in names}
    both = ({name: array[place] for name, array in pulled.items()} for place in (0, 1))
    return GaussNewtonUpdates(*both, by_layer=own)


def _check_rows(trials: int, outputs: int) -> None:
    if trials * outputs > MOST_ROWS:
        raise ConfigError(
            f"gauss_newton: got {trials} trials with {outputs} outputs, a system of {trials * outputs} rows; expected "
            f"at most {MOST_ROWS}: measure at most {max(MOST_ROWS // outputs, 1)} trials (training.measure_trials)"
        )


def _solved(grams: np.ndarray, errors: np.ndarray, damping: float) -> np.ndarray:
    """What to pull back: for all weights, each trial alone, and each layer, (2 + layer, trial, output)."""
    trials, outputs = errors.shape
    total, every, cut = grams.sum(axis=0, dtype=float), np.arange(trials), _CUT * float(np.finfo(grams.dtype).eps)
    blocks = total.reshape(trials, outputs, trials, outputs)[every, :, every, :]
    alone = [_solve(block, error, damping, cut) / trials for block, error in zip(blocks, errors, strict=True)]
    batch = [_solve(gram, errors.ravel(), trials * damping, cut) for gram in (total, *grams)]
    return np.stack([batch[0].reshape(errors.shape), np.array(alone), *(b.reshape(errors.shape) for b in batch[1:])])


def _solve(gram: np.ndarray, error: np.ndarray, damping: float, cut: float) -> np.ndarray:
    """In double precision; without damping eigenvalues below `cut` of the largest count as zero."""
    gram, error = gram.astype(float), error.astype(float)
    if damping:
        return np.linalg.solve(gram + damping * np.eye(len(gram)), error)
    return np.linalg.pinv(gram, rcond=cut, hermitian=True) @ error


@compiled
def _grams(weights: Any, given: GivenArrays, *, through: Differentiable, layers: tuple[tuple[str, ...], ...]) -> Any:
    """``J J^T`` of the weights into each layer, (layer, row, row), and the errors, (trial, output)."""

    def answer(changed: Any) -> Any:
        return through.ends(given, values=changed)

    output, pull, errors = jax.vjp(answer, weights, has_aux=True)
    _, push = jax.linearize(lambda changed: answer(changed)[0], weights)
    nothing = {name: jnp.zeros_like(array) for name, array in weights.items()}

    def row(number: Any) -> Any:
        (back,) = pull(jnp.zeros(output.size, output.dtype).at[number].set(1).reshape(output.shape))
        return jnp.stack([push({**nothing, **{n: back[n] for n in names}}).ravel() for names in layers])

    # Never the whole Jacobian: it is as large as the weights for each row.
    rows = jax.lax.map(row, jnp.arange(output.size), batch_size=_TOGETHER)
    return jnp.moveaxis(rows, 1, 0), errors


@compiled
def _pulled(pulls: Any, weights: Any, given: GivenArrays, *, through: Differentiable) -> Any:
    """What each of `pulls`, (pull, trial, output), is when it is brought back to the weights."""
    _, pull = jax.vjp(lambda changed: through.ends(given, values=changed)[0], weights)
    return jax.vmap(lambda each: pull(each)[0])(pulls)
