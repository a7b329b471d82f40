"""Scalars carried by populations of spiking neurons: rate curves against simulations, decoders against their aims."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import registry
from neurosim.errors import ConfigError
from neurosim.recording.simulate import simulate
from neurosim.stability.decoded_loop import Decoded, decoded_fixed_point
from neurosim.stability.population_code import FiringCurve, PopulationCode, population_code, spike_variance

CURVE = FiringCurve(20e-3, 2e-3)
RATES = (40.0, 120.0)


def drawn(neurons: int, seed: int = 0) -> PopulationCode:
    return population_code(np.random.default_rng(seed), neurons, CURVE, rates=RATES)


def test_the_firing_curve_is_that_of_the_simulated_neuron() -> None:
    lif = registry.load("neurons", "lif")
    current = np.linspace(0.9, 6.0, 40)
    found = simulate(lif.build(lif.Config()), "2 second", n=40, inputs={"drive": current}, dt="0.1 ms")
    counts = found.spikes.values.sum(axis=(0, 1))
    curve = FiringCurve(20e-3, 2e-3, 1e-4)
    assert np.all(np.abs(counts - 2 * curve.rate(current)) < 2 + 0.005 * counts)
    # Where intervals are many, half a step in each is what the closed form of continuous time would miss.
    fast = current > 3
    assert np.abs(counts[fast] / 2 - curve.rate(current[fast])).mean() < 0.5
    assert np.all(counts[current <= 1] == 0)


def test_a_current_and_its_rate_are_inverse() -> None:
    rate = np.array([5.0, 50.0, 400.0])
    np.testing.assert_allclose(CURVE.rate(CURVE.current(rate)), rate, rtol=1e-9)
    with pytest.raises(ConfigError, match="500 Hz that the refractory"):
        CURVE.current(np.array([600.0]))


@pytest.mark.parametrize(("rate", "tau"), [(20.0, 10e-3), (100.0, 10e-3), (100.0, 50e-3)])
def test_the_variance_of_a_filtered_periodic_train(rate: float, tau: float) -> None:
    # One period of the settled filter, by its own recursion.
    phase = (np.arange(100_000) + 0.5) / 100_000 / rate
    filtered = np.exp(-phase / tau) / tau / -np.expm1(-1 / (rate * tau))
    assert filtered.mean() == pytest.approx(rate, rel=1e-6)
    assert spike_variance(np.array(rate), tau) == pytest.approx(filtered.var(), rel=1e-6)


def test_a_slow_train_leaves_the_variance_of_a_random_one() -> None:
    assert spike_variance(np.array(0.1), 10e-3) == pytest.approx(0.1 / 20e-3, rel=0.01)
    assert spike_variance(np.array(0.0), 10e-3) == 0


def test_half_of_the_neurons_fire_for_either_sign_from_their_thresholds_on() -> None:
    code = drawn(50)
    up, down = code.rates(np.array(1.0)), code.rates(np.array(-1.0))
    assert np.all((up[:25] >= RATES[0]) & (up[:25] <= RATES[1]) & (down[:25] == 0))
    assert np.all((down[25:] >= RATES[0]) & (down[25:] <= RATES[1]) & (up[25:] == 0))
    threshold = (1 - code.background) / code.gain
    assert np.all(np.abs(threshold) <= 0.9)


@pytest.mark.parametrize("neurons", [10, 40, 160])
def test_what_is_read_rises_with_slope_one(neurons: int) -> None:
    code, scalar = drawn(neurons), np.linspace(-1, 1, 201)
    read = code.rates(scalar) @ code.decoder(20e-3)
    assert np.polyfit(scalar, read, 1)[0] == pytest.approx(1, abs=1e-6)
    assert np.sqrt(np.mean((read - scalar) ** 2)) < 2 / neurons


def test_the_noise_that_is_expected_costs_static_accuracy_and_saves_noise() -> None:
    code, scalar = drawn(40), np.linspace(-1, 1, 201)
    rates = code.rates(scalar)
    quick, slow = code.decoder(5e-3), code.decoder(500e-3)
    static = [np.mean((rates @ weights - scalar) ** 2) for weights in (quick, slow)]
    noise = [np.mean(spike_variance(rates, 5e-3) @ weights**2) for weights in (quick, slow)]
    assert static[0] > static[1] and noise[0] < noise[1]
    assert static[0] + noise[0] < static[1] + noise[1]


@pytest.mark.parametrize(
    ("neurons", "settings", "message"),
    [
        (7, {}, "neurons: got 7, expected an even number"),
        (8, {"thresholds": (0.5, 0.2)}, "thresholds"),
        (8, {"rates": (0.0, 10.0)}, "rates"),
        (8, {"rates": (10.0, 900.0)}, "refractory"),
    ],
)
def test_what_no_population_can_be_is_refused(neurons: int, settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        population_code(np.random.default_rng(0), neurons, CURVE, **{"rates": RATES, **settings})


def loop(neurons: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Where a loop of rates settles, and its exact fixed point."""
    generator = np.random.default_rng(3)
    w = generator.standard_normal((4, 6)) / 6**0.5
    targets = generator.standard_normal((12, 4))
    exact = -np.linalg.solve(w @ w.T + 0.2 * np.eye(4), targets.T).T
    settled = exact @ -w
    read = [
        Decoded([drawn(neurons, n) for n in range(part.shape[1])], 3 * part.std(axis=0), 20e-3)
        for part in (exact, settled)
    ]
    return decoded_fixed_point(w, -w.T, 0.2, scale * targets, *read), scale * settled


def test_rates_settle_near_the_fixed_point_the_nearer_the_more_neurons() -> None:
    off = [np.linalg.norm(np.subtract(*loop(n))) / np.linalg.norm(loop(n)[1]) for n in (20, 80, 320)]
    assert 0.1 > off[0] > 2 * off[1] > 4 * off[2]


def test_there_is_nothing_where_a_target_is_beyond_what_neurons_can_say() -> None:
    assert np.isnan(loop(20, scale=1e4)[0]).all()
