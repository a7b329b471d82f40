"""Mimic: a fixed random recurrent network answers to fair coins, and is to be reproduced.

Source: Marschall, Cho & Savin (2020), A unified framework of online learning algorithms for training recurrent neural
networks, Journal of Machine Learning Research 21:135. The teacher is
``u(t) = (1 - a) u(t-1) + a (W tanh(u(t-1)) + W_in x(t))``, its output the softmax of ``W_out tanh(u(t))``; weights are
normal with variance ``gain**2/n``, ``1/n_inputs`` and ``sharpness**2/n``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from neurosim.tasks import _temporal
from neurosim.tasks._task import Sizes, Task, _split_generator
from neurosim.tasks._timed import TimedSplit

_SAMPLE = 256
_STREAMS, _SAMPLES = 8, 1000


class Config(_temporal.Streaming):
    """Settings of the teacher and of what it sees.

    Attributes
    ----------
    n_inputs, n_hidden, n_outputs
        Sizes of the teacher.
    probability
        Of a one among the inputs, which are ones and zeros, each drawn on its own.
    leak
        The teacher's ``a``: a grid step divided by its time constant.
    gain, sharpness
        Scales of its recurrent and its output weights.
    loss
        ``cross_entropy``, or ``squared_error`` of the same targets.
    teacher_seed
        Which teacher; apart from the seed of the run, which draws the inputs.
    """

    n_train: PositiveInt = 512
    n_inputs: PositiveInt = 4
    n_hidden: PositiveInt = 24
    n_outputs: int = Field(default=4, ge=2)
    probability: float = Field(default=0.5, gt=0, lt=1)
    leak: float = Field(default=0.5, gt=0, le=1)
    gain: PositiveFloat = 1.2
    sharpness: PositiveFloat = 3.0
    loss: Literal["cross_entropy", "squared_error"] = "cross_entropy"
    teacher_seed: int = Field(default=0, ge=0, lt=2**64)

    @property
    def widths(self) -> tuple[int, int]:
        """The teacher's inputs and outputs."""
        return self.n_inputs, self.n_outputs


def sizes(config: Config) -> Sizes:
    """Inputs, outputs and the grid."""
    return _temporal.sizes_of(config)


def load(config: Config, *, seed: int) -> Task:
    """Draw coins, and let the teacher answer, from rest in each trial.

    Parameters
    ----------
    config
        The settings.
    seed
        Draws the coins.

    Returns
    -------
    Task
        Shares as targets; `floors` has the loss of the best constant output and that of the teacher itself.
    """

    def draw(generator: np.random.Generator, trials: int) -> TimedSplit:
        inputs = _coins(config, generator, trials)
        mask = np.repeat(config.burnt_in, config.repeat) if config.burn_in else None
        return TimedSplit(inputs, answer(config, inputs), config.seconds, mask=mask)

    facts = {"kind": "regression", "loss": config.loss, "floors": floors(config)}
    return _temporal.drawn_task("mimic", config, draw, seed=seed, **facts)


def weights(config: Config) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The teacher's recurrent, input and output weights, ``(n_post, n_pre)`` each."""
    generator = _split_generator(config.teacher_seed, "teacher")
    n = config.n_hidden
    recurrent = config.gain * generator.standard_normal((n, n)) / np.sqrt(n)
    inward = generator.standard_normal((n, config.n_inputs)) / np.sqrt(config.n_inputs)
    return recurrent, inward, config.sharpness * generator.standard_normal((config.n_outputs, n)) / np.sqrt(n)


def answer(config: Config, inputs: np.ndarray) -> np.ndarray:
    """The teacher's outputs for inputs ``(trial, T, n_inputs)``."""
    recurrent, inward, outward = weights(config)
    u, outputs = np.zeros((len(inputs), config.n_hidden)), np.empty((*inputs.shape[:2], config.n_outputs))
    for step in range(inputs.shape[1]):
        u = (1 - config.leak) * u + config.leak * (np.tanh(u) @ recurrent.T + inputs[:, step] @ inward.T)
        scores = np.tanh(u) @ outward.T
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        outputs[:, step] = shares / shares.sum(axis=1, keepdims=True)
    return outputs


def floors(config: Config) -> dict[str, float]:
    """The loss of the best constant output, and of the teacher itself; of a sample of their own.

    It is 256 trials, or the first 1000 samples that count of 8 streams.
    """
    trials = _SAMPLE
    if config.stream:
        trials, samples = _STREAMS, min(config.samples, config.burn_in + _SAMPLES)
        config = config.model_copy(update={"samples": samples})
    inputs = _coins(config, _split_generator(config.teacher_seed, "floors"), trials)
    targets = answer(config, inputs)[:, config.burn_in * config.repeat :].reshape(-1, config.n_outputs)
    mean = targets.mean(axis=0)
    if config.loss == "squared_error":
        return {"nothing": float(0.5 * ((targets - mean) ** 2).sum(axis=1).mean()), "teacher": 0.0}
    return {"nothing": _entropy(mean), "teacher": float(np.mean([_entropy(each) for each in targets]))}


def _entropy(shares: np.ndarray) -> float:
    return float(-(shares * np.log(np.maximum(shares, np.finfo(float).tiny))).sum())


def _coins(config: Config, generator: np.random.Generator, trials: int) -> np.ndarray:
    drawn = generator.uniform(size=(trials, config.samples, config.n_inputs)) < config.probability
    return np.repeat(drawn.astype(float), config.repeat, axis=1)
