"""Credit through time: what feedback delivers at each step, beside total and immediate credit, while it learns.

Total credit counts all later steps, as backpropagation through time does; immediate credit counts no recurrent
transmission. The update of each layer is compared with the gradient, and so is that of so many transmissions ("hops").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, model_validator

from neurosim.probes._findings import Findings, Number, OnStep

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


class Config(BaseModel):
    """Settings of the probe of credit through time.

    Attributes
    ----------
    marks
        Numbers of presentations after which it is measured, rising multiples of `batch_size`; 0 is before learning.
    learn
        What learns in between: ``all`` that learns in the model, or ``feedback`` alone while all that drives neurons
        stays as it is drawn. At the marks all rules act, so that updates can be compared.
    batch_size
        Trials between two updates, drawn from the training split with replacement.
    trials
        Trials of the validation split, or of the training split if that is empty, on which it is measured.
    hops
        Numbers of recurrent transmissions, of each of which the gradient is compared with the whole one at the last
        mark.
    lyapunov
        Whether to measure the leading Lyapunov exponent at the last mark, where no population spikes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    marks: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1)
    learn: Literal["all", "feedback"] = "all"
    batch_size: int = Field(default=16, gt=0, le=10**6)
    trials: int = Field(default=64, gt=0, le=10**5)
    hops: tuple[NonNegativeInt, ...] = ()
    lyapunov: bool = True

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        wrong = [mark for mark in self.marks if mark % self.batch_size]
        if wrong:
            raise ValueError(f"marks: got {wrong}, expected multiples of the batch size {self.batch_size}")
        if list(self.marks) != sorted(set(self.marks)):
            raise ValueError(f"marks: got {list(self.marks)}, expected them to rise")
        return self


#: What it gives; see `neurosim.probes._findings.Number`.
NUMBERS = (
    Number("<layer>.signal_total_angle_deg", "deg", "angle between what feedback delivers and total credit"),
    Number("<layer>.signal_immediate_angle_deg", "deg", "angle between what feedback delivers and immediate credit"),
    Number("<layer>.signal_total_norm_ratio", "1", "length of what feedback delivers over that of total credit"),
    Number("<layer>.signal_total_r2", "1", "share of total credit that feedback delivers"),
    Number("<layer>.immediate_total_angle_deg", "deg", "angle between immediate and total credit"),
    Number("<layer>.update_angle_deg", "deg", "angle between the update of the layer and gradient descent"),
    Number("<layer>.update_immediate_angle_deg", "deg", "the same to gradient descent without recurrent transmissions"),
    Number("<layer>.immediate_update_angle_deg", "deg", "angle between the gradients without and with transmissions"),
    Number("<layer>.weight_angle_deg", "deg", "angle between feedback weights and the transposed readout"),
    Number("<layer>.weight_norm_ratio", "1", "length of the feedback weights over that of the readout's"),
    Number("<layer>.best_weight_angle_deg", "deg", "angle between feedback weights and those that predict credit best"),
    Number("<layer>.best_wanted_angle_deg", "deg", "angle between those and the transposed readout"),
    Number("<layer>.best_r2", "1", "share of total credit that the best feedback weights deliver"),
    Number("hops_<number>_angle_deg", "deg", "angle of the gradient of all recurrent populations with so many hops"),
    Number("lyapunov_exponent", "1/s", "leading Lyapunov exponent; positive where the network is chaotic"),
    Number("loss", "1", "mean loss over time of the measured trials"),
)


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Let a network learn, and compare signals and updates with credit and gradients on the way.

    Parameters
    ----------
    config, engine, task, on_step
        See `neurosim.probes._findings.Measure`.
    seed
        Of initial weights, order and noise.

    Returns
    -------
    Findings
        Numbers at the last mark; see `neurosim.gradients.alignment_in_time.LayerInTime`. Curves: the same by
        ``presentations`` and ``layer``, and the courses of credit, signals and their cosines by ``time`` at the last
        mark.

    Raises
    ------
    CircuitError
        The circuit is not over time, or `learn` is ``feedback`` and none learns.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _credit_in_time

    return _credit_in_time.measure(config, engine, task, seed=seed, on_step=on_step)
