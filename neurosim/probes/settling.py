"""What control loops settle to, and whether they do, against closed forms; no training.

The loops are those of the circuit, run by the engine as they run in training, with initial weights or others. The
closed forms are those of `neurosim.stability`: fixed points, exact criteria of stability, limits of gain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveFloat, PositiveInt

from neurosim.probes._findings import Findings, Number, OnStep

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


#: What figures of its runs show besides curves.
PLANE = "loops"


class Config(BaseModel):
    """Settings of the settling probe.

    Attributes
    ----------
    trials
        Trials of the training split that are presented.
    systems
        Random loops of the circuit's shape (weights, feedback, leak and time constants) whose predicted stability is
        held against their course.
    gains
        Halvings of the interval in which the largest stable gain is looked for; 0 for none.
    highest_gain
        Where that interval ends.
    repairs
        Random pairs of weights between plus and minus 0.01 that are stabilised, without leak.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    trials: PositiveInt = 8
    systems: NonNegativeInt = 0
    gains: NonNegativeInt = 0
    highest_gain: PositiveFloat = 20.0
    repairs: NonNegativeInt = 0


#: What it gives; see `neurosim.probes._findings.Number`.
NUMBERS = (
    Number(
        "<layer>.abscissa",
        "1",
        "largest real part of the loop's eigenvalues times the controller's time constant; below 0 it settles",
    ),
    Number(
        "<layer>.fixed_point_error",
        "1",
        "largest distance of the settled error from the loop's exact fixed point, over its length",
    ),
    Number("<layer>.forms_error", "1", "distance of the two forms of the fixed point from each other"),
    Number("<layer>.residual", "1", "distance of W x from the target, over its length: what the leak leaves"),
    Number(
        "<layer>.pseudo_inverse_error", "1", "distance of the settled error from what the damped pseudo-inverse gives"
    ),
    Number("<layer>.nondynamic_error", "1", "distance of the loop's inverse without leak from the pseudo-inverse"),
    Number(
        "<layer>.sequential_angle_deg",
        "deg",
        "angle of a single loop's error to that of loops one after the other, mean over trials",
    ),
    Number("systems_wrong", "1", "random loops that grew or decayed against the exact criterion"),
    Number("naive_wrong", "1", "random loops for which the rule by eigenvalues of W B alone is wrong"),
    Number("systems_stable", "1", "random loops that are stable"),
    Number("largest_gain", "1", "largest gain of feedback along minus the transpose that still settles"),
    Number("largest_positive_gain", "1", "largest gain of feedback along the transpose itself that still settles"),
    Number("repaired", "1", "share of random pairs of weights that were made stable"),
    Number("gradient_cosine", "1", "smallest cosine of the gradient that repair follows with central differences"),
)


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Let loops settle.

    Parameters
    ----------
    config, engine, task, on_step
        See `neurosim.probes._findings.Measure`.
    seed
        Seed of initial weights, trials and random systems.

    Returns
    -------
    Findings
        For the layer of each loop, with the settled error x, its target, and matrices K by which targets would be
        multiplied: ``fixed_point_error``, the largest distance of a trial's x from the loop's exact fixed point, over
        its length; ``forms_error``, of the two forms of K from each other (with a leak only); ``residual``, of W x from
        the target; ``pseudo_inverse_error``, of x from what the pseudo-inverse of W (damped by the leak) makes of the
        target; ``nondynamic_error``, of K without leak from the pseudo-inverse; ``abscissa``, the largest real part of
        the loop's eigenvalues times the controller's time constant. In a single loop, of each layer in it:
        ``sequential_angle_deg``, between x and what loops one after the other would settle to. Not a number where
        there is no such thing.

        For the first loop: ``systems_wrong``, how many random systems grew or decayed against the prediction (by the
        linear map from step to step that fits their courses, so that slow growth does not have to be waited for),
        ``naive_wrong``, how often the rule that all eigenvalues of W B less the leak have a negative real part is not
        what the exact criterion says, ``systems_stable``; ``largest_gain``, the largest |mu| for which feedback of
        -|mu| W^T/s^2 settles, s being the largest singular value of W, and ``largest_positive_gain``, with the other
        sign; ``repaired``, the share of random pairs that were made stable, and ``gradient_cosine``, the smallest
        between the gradient that repair follows and central differences.

    Raises
    ------
    ConfigError
        If the circuit has no loops, or not linear ones.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _settling

    return _settling.measure(config, engine, task, seed=seed, on_step=on_step)
