"""Mean and variance of the noise-based estimate of the gradient, over many draws of the noise.

On average the estimate is the gradient of the loss (blurred by the noise); with a clean baseline its variance at
unit k is ``g_k^2 + G^2``, G being the norm of the gradient at all perturbed units, plus what the loss's curvature H
adds, ``sigma^2/4 (tr(H)^2 + 2 |H|^2 + 4 H_kk tr(H) + 8 (H^2)_kk)`` (the fourth and sixth moments of Gaussian
noise). One draw's cosine with the gradient is ``Gamma(n/2)/(sqrt(pi) Gamma((n + 1)/2))`` in the mean for n units, which
is near ``sqrt(2/(pi n))``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from neurosim.probes._findings import Findings, Number, OnStep

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


class Config(BaseModel):
    """Settings of the estimate probe.

    Attributes
    ----------
    examples
        How many trials of the training split, from the first on.
    draws
        Draws of the noise, for each example.
    chunk
        Draws at once; the last chunk is as large as the others, so there may be a few draws more.
    curvature
        Also predict what the curvature adds to the variance; costs a gradient a unit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    examples: PositiveInt = 1
    draws: PositiveInt = 200_000
    chunk: int = Field(default=10_000, gt=0, le=10**6)
    curvature: bool = False


#: What it gives; see `neurosim.probes._findings.Number`.
NUMBERS = (
    Number("<layer>.cosine", "1", "cosine of the mean estimate over all draws with the gradient"),
    Number("variance_ratio", "1", "variance of the estimate over that of theory, g_k^2 + G^2, mean over units"),
    Number("curvature_variance_ratio", "1", "the same, with what the loss's curvature adds to theory"),
    Number("one_shot_cosine", "1", "mean cosine of a single draw's estimate with the gradient"),
    Number("one_shot_absolute_cosine", "1", "mean of that cosine's magnitude"),
    Number("expected_one_shot_cosine", "1", "what theory expects of one_shot_cosine for so many units"),
)


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Compare the estimate of an untrained network with the gradient by automatic differentiation.

    Parameters
    ----------
    config, engine, task, on_step
        See `neurosim.probes._findings.Measure`.
    seed
        Seed of initial weights and noise.

    Returns
    -------
    Findings
        ``<layer>.cosine`` of the mean estimate with the gradient; ``variance_ratio``, the mean over units of the
        variance over ``g_k^2 + G^2``, and with `curvature` also ``curvature_variance_ratio``; ``one_shot_cosine``
        of a single draw over all units, its mean absolute value ``one_shot_absolute_cosine``, and
        ``expected_one_shot_cosine`` (for noise of one size). All averaged over examples. Curves have the dims
        ``example`` and ``unit``.

    Raises
    ------
    CircuitError
        If no population holds an estimate.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _estimate

    return _estimate.measure(config, engine, task, seed=seed, on_step=on_step)
