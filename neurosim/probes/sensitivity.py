"""How much a scheme depends on its metaparameters: training with many random draws of them.

Learning rates, coefficients of rules and sizes of noise are numbers in the circuit's state, so that all draws run the
same compiled code. Accuracy is that on the validation split, never on the test split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt

from neurosim.probes._findings import Findings, OnStep

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


def _ordered(found: tuple[float, float]) -> tuple[float, float]:
    if found[0] > found[1]:
        raise ValueError(f"got a range from {found[0]:g} to {found[1]:g}, expected the smaller number first")
    return found


Range = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ordered)]


class Config(BaseModel):
    """Settings of the sensitivity probe.

    Attributes
    ----------
    ranges
        From where to where numbers of the state are drawn, uniformly in their logarithm: a name such as
        ``B1.learning_rate``, or a pattern such as ``B*.c_amp``, all of whose names get the same number.
    draws
        How many.
    warm_up
        Batches at the start in which forward weights rest; each draw takes one of these numbers.
    epochs, batch_size
        Of training.
    levels
        Accuracies in percent; the fraction of draws above each is reported.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ranges: dict[str, Range] = Field(min_length=1)
    draws: PositiveInt = 100
    warm_up: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1)
    epochs: PositiveInt = 10
    batch_size: PositiveInt = 32
    levels: tuple[float, ...] = (50.0, 90.0)


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Train once for each draw.

    Parameters
    ----------
    config, engine, task
        The settings, what runs the circuit, and the data.
    seed
        Of the draws; each has initial weights, data order and noise of its own.
    on_step
        Told about progress.

    Returns
    -------
    Findings
        ``fraction_above_50`` and so on, over all draws; ``fraction_diverged``, those whose weights or losses are no
        numbers at the end; ``median_accuracy`` (percent; zero where it diverged) and ``best_accuracy``. Curves over
        ``draw``: ``validation_accuracy`` and what was drawn.

    Raises
    ------
    CircuitError
        For a name or pattern that fits nothing in the circuit's state.
    ConfigError
        For a task without classes, or a batch larger than the training split.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _sensitivity

    return _sensitivity.measure(config, engine, task, seed=seed, on_step=on_step)
