"""The probe `convergence` at work; apart from its settings, which are checked where nothing is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.stimuli import stimuli_of
from neurosim.gradients.feedback import feedback_pathway, local_angle, wanted_weights, weight_numbers
from neurosim.gradients.true_gradient import true_gradients
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import feedback_alone, learned_layers, random_order, start_of
from neurosim.tasks._task import Split, Task
from neurosim.tasks._timed import TimedSplit

if TYPE_CHECKING:
    from neurosim.probes.convergence import Config

# Long stretches are cut into calls of so many steps, to show progress.
_STEPS_PER_CALL = 1000
# Trials on which expectations and local angles are taken.
_TRIALS = 4096


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """See `neurosim.probes.convergence.measure`."""
    circuit = feedback_alone(engine.circuit)
    fixed, layers = replace(engine, circuit=circuit), learned_layers(circuit)
    state = start_of(engine, seed)
    stimuli = stimuli_of(circuit, task.train, slice(None), dt=engine.setting.dt)
    data = fixed.placed(stimuli, config.batch_size)
    series: dict[str, list[list[float]]] = {}
    done = 0
    for mark in config.marks:
        steps = (mark - done) // config.batch_size
        order = random_order(seed, done, len(task.train), steps, config.batch_size)
        for part in np.split(order, range(_STEPS_PER_CALL, steps, _STEPS_PER_CALL)):
            state, _ = fixed.train(state, data, part, seed=seed, first=done)
            done += part.size
            if on_step is not None:
                on_step(done, config.marks[-1])
        for name, values in _look(fixed, state, task.train, layers).items():
            series.setdefault(name, []).append(values)
    predicted = None
    if _least_squares(circuit, layers[-1]):
        predicted = predicted_error(circuit, engine.setting, state, task.train, layer=layers[-1])
    return _findings(config, series, layers, predicted)


def predicted_error(
    circuit: Circuit, setting: Setting, state: Mapping[str, Any], split: Split | TimedSplit, *, layer: str
) -> float:
    """The relative error of a layer's feedback weights that theory predicts for one presentation.

    After T of them it is this over the root of T. For exact least squares on each trial's own change of the loss,
    with the noise small and the sender's error exact.

    Parameters
    ----------
    circuit, setting, state
        As for `BatchedEngine.run`.
    split
        Trials, of which the first few thousand serve for the expectations.
    layer
        The layer whose feedback learns.
    """
    stimuli = stimuli_of(circuit, split, slice(_TRIALS), dt=setting.dt)
    pathway, wanted = feedback_pathway(circuit, layer), wanted_weights(circuit, state, layer)
    assert pathway is not None and wanted is not None
    sites = true_gradients(circuit, setting, state, stimuli).sites
    perturbed = [gradient for name, gradient in sites.items() if circuit.population[name].noise]
    everything = np.sum([np.sum(gradient**2, axis=1) for gradient in perturbed], axis=0)
    own, size = np.sum(sites[layer] ** 2, axis=1), sites[layer].shape[1]
    phase = circuit.phases[0].name
    _, outputs = BatchedEngine(circuit, setting).run(
        state, stimuli, report=[pathway.source], learn=False, phases=(phase,)
    )
    error = outputs.ends[phase][pathway.source].astype(float)
    inverse = np.linalg.inv(error.T @ error / len(error))
    weighted = (error * (size * everything + own)[:, None]).T @ error / len(error)
    return float(np.sqrt(np.trace(inverse @ weighted @ inverse)) / np.linalg.norm(wanted))


def _least_squares(circuit: Circuit, layer: str) -> bool:
    pathway = feedback_pathway(circuit, layer)
    return pathway is not None and pathway.synapse.name == "exact_least_squares"


def _look(
    engine: BatchedEngine, state: Mapping[str, Any], split: Split | TimedSplit, layers: tuple[str, ...]
) -> dict[str, list[float]]:
    """Each number of all layers' feedback as it is now."""
    circuit, phase = engine.circuit, engine.circuit.phases[0].name
    pathways = {layer: feedback_pathway(circuit, layer) for layer in layers}
    sources = {layer: pathway.source for layer, pathway in pathways.items() if pathway is not None}
    report = tuple(dict.fromkeys(sources.values()))
    stimuli = stimuli_of(circuit, split, slice(_TRIALS), dt=engine.setting.dt, phases=(phase,))
    _, outputs = engine.run(state, stimuli, report=report, learn=False, phases=(phase,))
    rows = [
        weight_numbers(circuit, state, layer)
        | {"local_angle_deg": local_angle(circuit, state, layer, outputs.ends[phase])}
        for layer, source in sources.items()
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _findings(
    config: Config, series: Mapping[str, list[list[float]]], layers: tuple[str, ...], predicted: float | None
) -> Findings:
    import xarray

    samples = np.array(config.marks)
    variables: dict[str, Any] = {name: (("presentations", "layer"), np.array(v)) for name, v in series.items()}
    numbers = {
        f"{layer}.{name}": float(values[-1][column])
        for name, values in series.items()
        for column, layer in enumerate(layers)
    }
    errors = np.array(series["weight_relative_error"])[:, -1]
    if len(samples) > 1:
        numbers["slope"] = float(np.polyfit(np.log(samples), np.log(errors), 1)[0])
    if predicted is not None:
        expected = predicted / np.sqrt(samples)
        numbers["worst_ratio"] = float(np.max(np.abs(errors / expected - 1)))
        variables["predicted_relative_error"] = ("presentations", expected)
    return Findings(numbers, xarray.Dataset(variables, {"presentations": samples, "layer": list(layers)}))
