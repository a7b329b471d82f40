"""How much learning depends on its metaparameters: many random draws of them, each trained, on one or two networks.

The question of Kunin, Nayebi, Sagastuy-Brena, Ganguli, Bloom & Yamins (2020), ICML, sections on metaparameters and on
transfer: a rule is of use only if it works over a range of them, and if those that work for one network work for
another. Metaparameters are numbers of the state, so that a thousand draws compile no more than one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from neurosim.probes._findings import Findings, Number, OnStep
from neurosim.training.config import Config as Training

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


class Transfer(BaseModel):
    """Whether what was best for the model's network is of use for another one.

    Attributes
    ----------
    network
        What is different in the other network, as in the section ``[network]``.
    best
        How many of the draws, by their accuracy on the validation split, are trained there.
    seeds
        With how many seeds each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: dict[str, Any]
    best: PositiveInt = 8
    seeds: PositiveInt = 5


class Config(BaseModel):
    """Settings of the sensitivity probe.

    Attributes
    ----------
    ranges
        Parameters of the circuit and the range in which they are drawn, evenly on a logarithmic scale:
        ``"B*.learning_rate" = [1e-3, 0.3]``. A name is ``pathway.parameter`` or ``population.parameter`` with ``*`` for
        any letters; all that fit get the same number.
    draws
        How many.
    warm_up
        For how many epochs only feedback learns before the rest; each draw takes one of the list. They come before
        the epochs of `training`.
    training
        How each draw is trained; see the section ``[training]``.
    levels
        Accuracies in percent: how many draws are above each?
    transfer
        The network to which the best are carried over, if any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ranges: dict[str, tuple[PositiveFloat, PositiveFloat]] = Field(min_length=1)
    draws: PositiveInt = 100
    warm_up: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1)
    training: Training = Training(epochs=10, measure_every=0)
    levels: tuple[Annotated[float, Field(gt=0, lt=100)], ...] = (50.0, 90.0)
    transfer: Transfer | None = None

    @model_validator(mode="after")
    def _fits(self) -> Config:
        for name, (low, high) in self.ranges.items():
            if not low <= high:
                raise ValueError(f"ranges.{name}: got [{low}, {high}], expected the lower end first")
        if self.training.feedback_warm_up:
            raise ValueError("training.feedback_warm_up: expected it as warm_up of the probe, which draws it")
        if self.transfer is not None and self.transfer.best > self.draws:
            raise ValueError(f"transfer.best: got {self.transfer.best}, expected at most the {self.draws} draws")
        return self


#: What it gives; see `neurosim.probes._findings.Number`.
NUMBERS = (
    Number("above_<level>", "%", "share of draws that end above this accuracy on the validation split"),
    Number("diverged", "%", "share of draws whose weights or loss did not stay finite"),
    Number("mean", "%", "mean accuracy on the validation split; what diverged counts as guessing"),
    Number("median", "%", "median of that accuracy"),
    Number("best", "%", "highest of that accuracy"),
    Number(
        "transfer.above_<level>",
        "%",
        "of the best draws on the other network: share of trainings above this test accuracy",
    ),
    Number("transfer.diverged", "%", "of these: share that did not stay finite"),
    Number("transfer.mean", "%", "of these: mean test accuracy"),
    Number("transfer.median", "%", "of these: median test accuracy"),
)


def networks(config: Config) -> Mapping[str, Mapping[str, Any]]:
    """The settings that differ in the further networks for which `measure` needs engines."""
    return {"transfer": config.transfer.network} if config.transfer is not None else {}


def measure(
    config: Config,
    engine: BatchedEngine,
    task: Task,
    *,
    seed: int,
    on_step: OnStep | None = None,
    others: Mapping[str, BatchedEngine] | None = None,
) -> Findings:
    """Train with each draw.

    Parameters
    ----------
    config, engine, task
        The settings, what runs the circuit, and where its trials come from.
    seed
        Seed of the draws; each has initial weights, data order and noise of its own.
    on_step
        Told about progress, draw by draw.
    others
        The engines for `networks`.

    Returns
    -------
    Findings
        ``above_<level>``: percentage of draws whose accuracy on the validation split ends above a level;
        ``diverged``: percentage whose weights or loss did not stay finite; ``median``, ``best``. With `transfer`, of
        test accuracies of the chosen draws there, over draws and seeds: ``transfer.mean``, ``transfer.median``,
        ``transfer.above_<level>`` and ``transfer.diverged``. What diverged counts with the accuracy of guessing, 100/n
        percent for n outputs. Curves: the drawn numbers and ``accuracy`` with the dim ``draw``,
        ``transfer_accuracy`` with ``chosen`` and ``seed``.

    Raises
    ------
    ConfigError
        A name in `ranges` that fits no parameter.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _sensitivity

    return _sensitivity.measure(config, engine, task, seed=seed, on_step=on_step, others=others or {})
