"""Training on streams: windows in order, all streams in parallel, state carried from one to the next."""

from __future__ import annotations

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import TOTAL_LOSS, compose
from neurosim.engines.over_time import in_windows
from neurosim.engines.state import State
from neurosim.errors import ConfigError
from neurosim.random import stream
from neurosim.tasks._task import Split, Task
from neurosim.tasks._timed import TimedSplit
from neurosim.tasks._windows import Windows
from neurosim.training.config import Config, refuse_windows
from neurosim.training.progress import Progress


def presented_split(task: Task, config: Config) -> Split | TimedSplit | Windows:
    """What training presents: the trials of the training split, or windows of its streams."""
    split = task.train
    if not task.stream or not isinstance(split, TimedSplit) or config.update_every is None:
        return split
    return Windows(split, config.update_every)


def refuse_settings(task: Task, config: Config) -> None:
    """Refuse settings of training that do not go with streams, or with trials.

    Raises
    ------
    ConfigError
        Naming the setting.
    """
    refuse_windows(config, task.steps, streams=task.stream)
    if task.stream and config.batch_size != len(task.train):
        raise ConfigError.at(
            "training.batch_size",
            f"got {config.batch_size}, expected {len(task.train)}, the streams of the training split: each batch has "
            "one window of each of them",
        )


def refuse_circuit(circuit: Circuit, dt: float) -> None:
    """Refuse a circuit that cannot be presented with windows of streams, in time steps of `dt` seconds.

    Raises
    ------
    ConfigError
        A loss at the end of presentations, state that does not carry over, or parts to which a presentation is a whole.
    """
    if not circuit.over_time:
        raise ConfigError.at(
            "task.stream",
            f"got true for '{circuit.name}', whose loss is read at the end of a presentation; expected network.kind = "
            "'recurrent', or a circuit with over_time = true",
        )
    if not in_windows(circuit):
        raise ConfigError.at("circuit.carry", "got false for a stream, expected true: state carries over")
    reading = sorted({name.split(".")[0] for name in _reading_whole(circuit)})
    if len(circuit.phases) > 1 or reading:
        why = (
            f"presents everything in {len(circuit.phases)} phases"
            if len(circuit.phases) > 1
            else (f"compares the loss of whole presentations (in '{reading[0]}')")
        )
        raise ConfigError.at(
            "task.stream",
            f"got true for '{circuit.name}', which {why}; expected a scheme whose rules act at each step, such as "
            "'eprop', or trials: stream = false",
        )
    short = [phase for phase in circuit.phases if phase.steps(dt) < 2]
    if any(_reads_gradient(circuit, name) for phase in short for name in phase.learn):
        raise ConfigError.at(
            "training.update_every",
            f"got a single time step with the scheme '{circuit.name}', whose gradient ends at the borders of windows; "
            "expected two at least: an input acts on the state that the next step reads",
        )
    for population, model in compose(circuit).items():
        if model.refractory is not None:
            raise ConfigError.at(
                "task.stream",
                f"got true for neurons of '{population}' with a refractory period, which does not carry over; expected "
                "neurons without one, or trials: stream = false",
            )


def _reads_gradient(circuit: Circuit, pathway: str) -> bool:
    rule = circuit.pathway[pathway].synapse.oracle
    return rule is not None and rule.reads_gradient


def _reading_whole(circuit: Circuit) -> list[str]:
    """Pathways and populations that read the loss of a whole presentation."""
    pathways = [pathway.name for pathway in circuit.pathways if TOTAL_LOSS in pathway.synapse.names]
    return pathways + [each.name for each in circuit.populations if TOTAL_LOSS in each.model.equation_set.by_name]


def to_measure(task: Task, config: Config, progress: Progress, seed: int) -> tuple[np.ndarray, State]:
    """The rows of `presented_split` on which alignment is measured, and the state in which they begin.

    Of trials they are the same ones throughout; of streams the next windows in which anything counts, from the state
    reached.
    """
    split, most = presented_split(task, config), config.measure_trials
    if not isinstance(split, Windows):
        return stream(seed, "measure").permutation(len(split))[:most], progress.state
    windows = progress.presentations // split.streams + np.arange(split.count)
    ahead = windows[np.argmax(split.counting[windows % split.count])] % split.count
    rows = ahead * split.streams + np.arange(min(most, split.streams))
    return rows, {**progress.state, **{name: array[: len(rows)] for name, array in progress.carried.items()}}
