"""The probe `update` at work; apart from its settings, which are checked where nothing is compiled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.differentiable import Arrays, Differentiable, GivenArrays, Outcome, compiled, pytree
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.state import learned_names
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import CircuitError, ConfigError
from neurosim.gradients.feedback import incoming_weights
from neurosim.gradients.true_gradient import true_gradients
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import seed_of_repetition, start_of
from neurosim.random import stream
from neurosim.tasks._task import Task

if TYPE_CHECKING:
    from neurosim.probes.update import Config

# Draws in one compiled call, at most, and at least where nobody knows how many there will be.
_LARGEST_CHUNK, _SMALLEST_CHUNK = 250, 50
# More draws than ever are made.
_NEVER = 2**31 - 1
_ALL = "all"


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """See `neurosim.probes.update.measure`."""
    if config.batch_size > len(task.train):
        raise ConfigError.at(
            "probe.batch_size",
            f"got {config.batch_size}, expected at most the {len(task.train)} trials of the training split",
        )
    groups = _groups(engine.circuit)
    repetitions = [
        _repetition(config, engine, task, groups, seed, number, on_step) for number in range(config.repetitions)
    ]
    return _findings(config, list(groups), repetitions)


def _groups(circuit: Circuit) -> dict[str, tuple[str, ...]]:
    """The learned weights into each layer, and all of them."""
    learned = set(learned_names(circuit))
    into = {p.name: tuple(n for n in incoming_weights(circuit, p.name) if n in learned) for p in circuit.populations}
    into = {layer: names for layer, names in into.items() if names}
    if not into:
        raise CircuitError(
            f"no forward weights of the circuit '{circuit.name}' learn, so there is no update to compare"
        )
    return {**into, _ALL: tuple(name for names in into.values() for name in names)}


def _repetition(
    config: Config,
    engine: BatchedEngine,
    task: Task,
    groups: Mapping[str, tuple[str, ...]],
    seed: int,
    number: int,
    on_step: OnStep | None,
) -> np.ndarray:
    """Cosines of the means so far and of runs of `draws`, shape (draw, 1 + len(draws), group)."""
    circuit, setting, own = engine.circuit, engine.setting, seed_of_repetition(seed, number)
    rows = stream(own, "measure").permutation(len(task.train))[: config.batch_size]
    stimuli, state, first = stimuli_of(circuit, task.train, rows, dt=setting.dt), start_of(engine, own), 0
    if circuit.carry:
        for _ in range(config.settle):
            state, _ = engine.run(state, stimuli, seed=own, first=first, learn=False)
            first += config.batch_size
    truth = true_gradients(circuit, setting, state, stimuli).weights
    wanted = max(config.draws)
    most = wanted if config.until is None else max(wanted, config.most)
    through = Differentiable(circuit, setting, learn=True)
    chunk, done, parts = min(_LARGEST_CHUNK, most, max(_SMALLEST_CHUNK, wanted)), 0, []
    with engine.precision():
        given = through.given(state, stimuli, seed=own)
        gradient = {name: engine.array(truth[name]) for name in groups[_ALL]}
        sums = {name: jnp.zeros((1 + len(config.draws), *a.shape), a.dtype) for name, a in gradient.items()}
        periods = jnp.array([_NEVER, *config.draws], jnp.int32)
        while done < wanted or (done < most and not _reached(config, parts)):
            count = _DrawCount(jnp.uint32(first + done * config.batch_size), jnp.int32(done), periods)
            (values, sums), products = _draw(
                given, sums, gradient, count, through=through, names=groups[_ALL], chunk=chunk
            )
            given = replace(given, values=values)
            along, power = (np.asarray(array, dtype=float) for array in jax.device_get(products))
            parts.append(_cosines(groups, along, power, truth))
            done += chunk
            if on_step is not None:
                on_step(number * most + min(done, most), config.repetitions * most)
    return np.concatenate(parts)


@pytree
@dataclass(frozen=True)
class _DrawCount:
    """Where a chunk of draws begins.

    Attributes
    ----------
    first
        Running number of its first presentation.
    done
        How many draws there were before.
    periods
        After how many draws each sum is begun anew.
    """

    first: Any
    done: Any
    periods: Any


@compiled
def _draw(
    given: GivenArrays,
    sums: Arrays,
    gradient: Arrays,
    count: _DrawCount,
    *,
    through: Differentiable,
    names: tuple[str, ...],
    chunk: int,
) -> Any:
    """Present the batch `chunk` times; products of the summed updates with the gradient and with themselves.

    There is one sum for each period.
    """
    batch, periods = given.trials, count.periods
    presentations = count.first + jnp.arange(batch, dtype=jnp.uint32)

    def step(carried: Any, number: Any) -> Any:
        values, sums = carried
        shown = presentations + jnp.uint32(number * batch)
        outcome = through.present(given, values=values, presentations=shown)
        keep = ((count.done + number) % periods != 0).astype(through.setting.dtype)
        changes = {name: outcome.changes[name] for name in names}
        sums = {n: keep.reshape(-1, *(1,) * c.ndim) * sums[n] + c for n, c in changes.items()}
        along = [jnp.sum((sums[n] * gradient[n]).reshape(len(periods), -1), axis=1) for n in names]
        power = [jnp.sum((sums[n] ** 2).reshape(len(periods), -1), axis=1) for n in names]
        return (_moved(through.circuit, values, outcome), sums), (jnp.stack(along, axis=1), jnp.stack(power, axis=1))

    return jax.lax.scan(step, (given.values, sums), jnp.arange(chunk))


def _moved(circuit: Circuit, values: Arrays, outcome: Outcome) -> Arrays:
    """The state after a presentation: weights stay, their further variables and what carries over go on."""
    after = dict(values)
    for name, change in outcome.changes.items():
        if not name.endswith(".w"):
            after[name] = values[name] + change
    if circuit.carry:
        # Held values may be plain numbers; the loop wants one shape and type throughout.
        carried = {name: array for name, array in outcome.final.items() if name in values}
        after |= {n: jnp.broadcast_to(a, values[n].shape).astype(values[n].dtype) for n, a in carried.items()}
    return after


def _cosines(
    groups: Mapping[str, tuple[str, ...]], along: np.ndarray, power: np.ndarray, truth: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Cosines with minus the gradient, (draw, sum, group), from products a weight array, (draw, sum, array)."""
    names, cosines = groups[_ALL], []
    for group in groups.values():
        columns = [names.index(name) for name in group]
        length = math.sqrt(sum(float(np.sum(truth[name].astype(float) ** 2)) for name in group))
        # Where nothing has changed there is no direction, and no warning either.
        with np.errstate(invalid="ignore", divide="ignore"):
            cosines.append(-along[:, :, columns].sum(axis=2) / (np.sqrt(power[:, :, columns].sum(axis=2)) * length))
    return np.stack(cosines, axis=2)


def _reached(config: Config, parts: list[np.ndarray]) -> bool:
    if config.until is None:
        return True
    within = np.concatenate([part[:, 0] for part in parts]) > math.cos(math.radians(config.until))
    return bool(within.any(axis=0).all())


def _findings(config: Config, groups: list[str], repetitions: list[np.ndarray]) -> Findings:
    import xarray

    numbers: dict[str, float] = {}
    # Each repetition's mean over its complete runs of n draws.
    means = np.array(
        [[part[n - 1 :: n, 1 + at].mean(axis=0) for at, n in enumerate(config.draws)] for part in repetitions]
    )
    for column, group in enumerate(groups):
        for row, n in enumerate(config.draws):
            numbers[f"{group}.cosine_{n}"] = float(means[:, row, column].mean())
        if config.until is not None:
            limit = math.cos(math.radians(config.until))
            counts = [_first(part[:, 0, column] > limit) for part in repetitions]
            numbers[f"{group}.draws_until"] = float(np.mean(counts))
            numbers[f"{group}.presentations_until"] = float(np.mean(counts) * config.batch_size)
    shortest = min(len(part) for part in repetitions)
    course = np.array([part[:shortest, 0] for part in repetitions])
    variables = {
        "cosine": (("repetition", "draw", "group"), course),
        "cosine_of_mean": (("repetition", "draws", "group"), means),
    }
    coords = {
        "repetition": np.arange(len(repetitions)),
        "draw": np.arange(1, shortest + 1),
        "draws": list(config.draws),
        "group": groups,
    }
    return Findings(numbers, xarray.Dataset(variables, coords))


def _first(within: np.ndarray) -> float:
    """The number, from 1, of the first that holds; not a number if none does."""
    return float(np.argmax(within) + 1) if within.any() else math.nan
