"""The probe `estimate` at work; apart from its settings, which are checked where nothing is compiled."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import LOSS
from neurosim.engines.batched.differentiable import Differentiable, GivenArrays, compiled
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import CircuitError
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import start_of
from neurosim.tasks._task import Task

if TYPE_CHECKING:
    from neurosim.probes.estimate import Config

_ESTIMATE = "estimate"


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """See `neurosim.probes.estimate.measure`."""
    import xarray

    circuit, setting, first = engine.circuit, engine.setting, engine.circuit.phases[0].name
    layers = estimating_layers(circuit)
    sizes = {layer: circuit.population[layer].size for layer in layers}
    values = start_of(engine, seed)
    sigma = np.repeat([float(values[f"{layer}.sigma"]) for layer in layers], list(sizes.values()))
    rounds = -(-config.draws // config.chunk)
    names = ["mean", "variance", "gradient", "predicted_variance", "curvature_variance"]
    rows: dict[str, list[np.ndarray]] = {name: [] for name in names}
    signed, absolute = [], []
    # An estimate is the mean over the phases that draw noise.
    averaged = sum(phase.draw_noise for phase in circuit.phases)
    drawing, quiet = Differentiable(circuit, setting), Differentiable.until(circuit, setting, first, LOSS)
    with engine.precision():
        for example in range(config.examples):
            stimuli = stimuli_of(circuit, task.train, np.array([example]), dt=setting.dt)
            gradient, hessian = _derivatives(
                quiet.given(values, stimuli), through=quiet, layers=layers, curvature=config.curvature
            )
            one = drawing.given(values, stimuli, seed=seed)
            total, squares, cosines = np.zeros(gradient.shape), np.zeros(gradient.shape), np.zeros(2)
            for number in range(rounds):
                begin = jnp.uint32((example * rounds + number) * config.chunk)
                drawn = _draw(one, begin, gradient, through=drawing, layers=layers, chunk=config.chunk)
                sums = [np.asarray(array, dtype=float) for array in jax.device_get(drawn)]
                total, squares, cosines = total + sums[0], squares + sums[1], cosines + sums[2]
                if on_step is not None:
                    on_step(example * rounds + number + 1, config.examples * rounds)
            count, truth = rounds * config.chunk, np.asarray(gradient, dtype=float)
            mean = total / count
            rows["mean"].append(mean)
            rows["variance"].append(squares / count - mean**2)
            rows["gradient"].append(truth)
            # Where layers have noise of different size, in units of each one's own.
            predicted = truth**2 + np.sum((sigma * truth) ** 2) / sigma**2
            rows["predicted_variance"].append(predicted / averaged)
            if config.curvature:
                curved = predicted + _curvature(np.asarray(hessian, dtype=float), sigma)
                rows["curvature_variance"].append(curved / averaged)
            signed.append(cosines[0] / count)
            absolute.append(cosines[1] / count)
    arrays = {name: np.array(row) for name, row in rows.items() if row}
    labels = np.repeat(list(layers), list(sizes.values()))
    units = len(labels)
    numbers = {
        f"{layer}.cosine": float(
            np.mean(_cosine(arrays["mean"][:, labels == layer], arrays["gradient"][:, labels == layer]))
        )
        for layer in layers
    }
    numbers["variance_ratio"] = float(np.mean(arrays["variance"] / arrays["predicted_variance"]))
    if config.curvature:
        numbers["curvature_variance_ratio"] = float(np.mean(arrays["variance"] / arrays["curvature_variance"]))
    numbers["one_shot_cosine"] = float(np.mean(signed))
    numbers["one_shot_absolute_cosine"] = float(np.mean(absolute))
    numbers["expected_one_shot_cosine"] = expected_cosine(units)
    curves = xarray.Dataset(
        {name: (("example", "unit"), array) for name, array in arrays.items()},
        {"example": np.arange(config.examples), "layer": ("unit", labels)},
    )
    return Findings(numbers, curves)


def expected_cosine(units: int) -> float:
    """The mean cosine of one draw's estimate with the gradient: of a normal vector with a fixed direction."""
    return math.exp(math.lgamma(units / 2) - math.lgamma((units + 1) / 2)) / math.sqrt(math.pi)


def estimating_layers(circuit: Circuit) -> tuple[str, ...]:
    """The populations that hold an ``estimate`` of the gradient at their site of noise.

    Raises
    ------
    CircuitError
        If there is none.
    """
    targets = {held.target for phase in circuit.phases for held in phase.hold}
    layers = tuple(
        p.name for p in circuit.populations if f"{p.name}.{_ESTIMATE}" in targets and "sigma" in p.neuron.parameters
    )
    if not layers:
        raise CircuitError(
            f"no population of the circuit '{circuit.name}' holds an estimate of its gradient, so this probe has "
            "nothing to measure; expected a scheme such as 'node_perturbation'"
        )
    return layers


@compiled
def _draw(
    one: GivenArrays, first: Any, gradient: Any, *, through: Differentiable, layers: tuple[str, ...], chunk: int
) -> Any:
    """Sums over a chunk of draws: the estimate, its square, and the cosine with the gradient and its magnitude."""
    many = replace(one, stimuli={name: jnp.repeat(array, chunk, axis=0) for name, array in one.stimuli.items()})
    outcome = through.present(many, presentations=first + jnp.arange(chunk, dtype=jnp.uint32))
    estimate = jnp.concatenate([outcome.final[f"{layer}.{_ESTIMATE}"] for layer in layers], axis=1)
    cosine = (estimate @ gradient) / (jnp.linalg.norm(estimate, axis=1) * jnp.linalg.norm(gradient))
    return jnp.sum(estimate, axis=0), jnp.sum(estimate**2, axis=0), jnp.stack([cosine, abs(cosine)]).sum(axis=1)


@compiled
def _derivatives(one: GivenArrays, *, through: Differentiable, layers: tuple[str, ...], curvature: bool) -> Any:
    """Gradient and second derivatives of one trial's loss with respect to all perturbed units."""
    population = through.circuit.population
    sites = [f"{layer}.{population[layer].neuron.ports['site']}" for layer in layers]
    bounds = np.cumsum([population[layer].size for layer in layers])

    def loss(flat: Any) -> Any:
        bumps = {site: part[None] for site, part in zip(sites, jnp.split(flat, bounds[:-1]), strict=True)}
        (losses,) = through.ends(one, perturbations=bumps)
        return losses[0, 0]

    nothing = jnp.zeros(int(bounds[-1]), through.setting.dtype)
    return jax.grad(loss)(nothing), jax.hessian(loss)(nothing) if curvature else None


def _curvature(hessian: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """What the curvature adds to each unit's variance."""
    scaled = sigma[:, None] * hessian * sigma
    trace, diagonal, square = np.trace(scaled), np.diag(scaled), np.diag(scaled @ scaled)
    added = trace**2 + 2 * np.sum(scaled**2) + 4 * diagonal * trace + 8 * square
    return added / (4 * sigma**2)


def _cosine(estimated: np.ndarray, true: np.ndarray) -> np.ndarray:
    return np.sum(estimated * true, axis=-1) / (np.linalg.norm(estimated, axis=-1) * np.linalg.norm(true, axis=-1))
