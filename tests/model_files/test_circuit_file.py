"""Circuits in files: the same circuit as in Python, the same spikes on both engines, and every slip with its key."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim
from neurosim.errors import ConfigError
from neurosim.model_files.circuits.circuit_file import load_circuit, settled


@pytest.fixture(scope="module")
def cuba():
    return load_circuit("classics/cuba+small")


def test_both_engines_have_the_same_spikes(cuba):
    start = {f"{name}.v": np.linspace(-0.060, -0.0501, size) for name, size in (("E", 64), ("I", 16))}
    one, other = (cuba.simulate(duration="60 ms", state=start, engine=engine) for engine in ("batched", "brian"))
    for name in ("E.spikes", "I.spikes"):
        assert one[name].sum() >= 10
        assert np.array_equal(one[name], other[name])


def test_a_shipped_circuit_is_no_model():
    with pytest.raises(ConfigError, match=r"populations: got a circuit without a task.*load_circuit"):
        neurosim.load("classics/cuba")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("populations.E.siz=3", "populations.E.siz: unknown key, got 3; did you mean 'size'?"),
        ("populations.E.neuron=cel", "populations.E.neuron: got 'cel', expected .*did you mean 'cell'"),
        ("populations.E.size=1000000000", "populations.E.size: got 1000000000, expected at most"),
        ("pathways.EE.connectivity.kind=spars", "pathways.EE.connectivity.kind: got 'spars', .*did you mean 'sparse'"),
        ("pathway.EE.delay=1 ms", "pathway: unknown section; did you mean 'pathways'"),
        ("simulation.engine=brain", "simulation.engine: got 'brain', .*did you mean 'brian'"),
    ],
)
def test_slips_are_told_without_equations(override, message):
    with pytest.raises(ConfigError, match=message):
        settled("classics/cuba", [override])
