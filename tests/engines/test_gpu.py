"""The same circuits on a GPU and on the CPU give the same numbers. Skipped where JAX sees no GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.moments import STEP, acting
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.gradients.true_gradient import true_gradients
from neurosim.neurons import lif
from neurosim.random import held_normal, held_uniform, key_words
from neurosim.recording.simulate import simulate
from tests.default_run import LAYERED

TRIALS = 6
#: Sums are taken in another order, and functions rounded otherwise: the last places, times steps and layers.
TOLERANCE = {"float64": 1e-9, "float32": 1e-3}


def gpu() -> Any:
    try:
        return jax.devices("gpu")[0]
    except RuntimeError:
        return None


pytestmark = pytest.mark.skipif(gpu() is None, reason="JAX sees no GPU")


def on_both(call: Callable[[], Any]) -> tuple[Any, Any]:
    """What a function gives on the CPU and on the GPU."""
    with jax.default_device(jax.devices("cpu")[0]):
        expected = jax.device_get(call())
    with jax.default_device(gpu()):
        return jax.device_get(call()), expected


def assert_close(got: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float) -> None:
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        scale = max(float(np.max(np.abs(array), initial=0)), 1e-30)
        difference = np.max(np.abs(np.asarray(got[name], float) - np.asarray(array, float)), initial=0)
        assert difference <= tolerance * scale, f"{name}: {difference / scale:.2g}"


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("level", ["steady", "rate"])
@pytest.mark.parametrize("scheme", LAYERED)
def test_training(
    scheme: str, level: Any, dtype: Any, build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    circuit = build(scheme)
    if level == "steady" and acting(circuit, circuit.phases, STEP):
        pytest.skip("rules that act at every step have no steady level")
    engine, state = BatchedEngine(circuit, Setting(level, 1e-3, dtype)), initial_state(circuit, 0, dtype=dtype)
    order = np.arange(4 * TRIALS).reshape(4, TRIALS)
    got, expected = on_both(lambda: engine.train(state, stimuli(4 * TRIALS), order, seed=0, first=0)[0])
    assert_close(got, expected, TOLERANCE[dtype])


def test_gradients(build: Callable[..., Circuit], stimuli: Callable[[int], Any]) -> None:
    circuit = build("node_perturbation")
    setting, state = Setting("rate", 1e-3, "float64"), initial_state(circuit, 0)
    got, expected = on_both(lambda: true_gradients(circuit, setting, state, stimuli(TRIALS)).weights)
    assert_close(got, expected, TOLERANCE["float64"])


def test_spikes_fall_in_the_same_steps() -> None:
    neuron = lif.build(lif.Config())
    drive = np.linspace(0.5, 3, 20)

    def spikes() -> np.ndarray:
        return simulate(neuron, "200 ms", n=20, inputs={"drive": drive}, engine="batched").spikes.values

    got, expected = on_both(spikes)
    assert expected.any()
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("draw", [held_normal, held_uniform], ids=lambda draw: draw.__name__)
def test_noise(draw: Callable[..., Any]) -> None:
    presentations = np.arange(50, dtype=np.uint32)
    got, expected = on_both(lambda: {"drawn": draw(key_words(0, "noise"), presentations, 33)})
    # From the same bits; logarithm and root may be rounded otherwise.
    assert_close(got, expected, 1e-6)
