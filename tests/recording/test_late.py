"""A delay that is longer than the simulation delivers nothing, and is refused; piece by piece it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim import Circuit, NeuronModel, Pathway, Population, simulate
from neurosim.errors import CircuitError

LEAK = NeuronModel("dv/dt = (d - v)/(5*ms) : 1\nd : 1", initial={"v": 1})


def late(delay: str) -> Circuit:
    return Circuit("late", (Population("a", 2, LEAK),), (Pathway("W", "a.v", "a.d", initial=1.0, delay=delay),))


@pytest.mark.parametrize("delay", ["11 ms", "1*ms + i*10*ms"])
def test_it_is_refused_with_both_times(delay: str) -> None:
    with pytest.raises(CircuitError, match="pathway 'W' has a delay of 11 ms, and 10 ms are simulated"):
        simulate(late(delay), "10 ms", dt="1 ms")


def test_one_as_long_as_the_simulation_is_not() -> None:
    assert simulate(late("10 ms"), "10 ms", dt="1 ms").sizes["time"] == 10


def test_a_simulation_that_goes_on_may_have_it(tmp_path: Path) -> None:
    whole = simulate(late("11 ms"), "20 ms", dt="1 ms")["a.v"]
    first = simulate(late("11 ms"), "10 ms", dt="1 ms", store=tmp_path / "end")["a.v"]
    rest = simulate(late("11 ms"), "10 ms", dt="1 ms", restore=tmp_path / "end")["a.v"]
    assert whole.values.tolist() == [*first.values.tolist(), *rest.values.tolist()]
