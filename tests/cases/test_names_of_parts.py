"""Lines of a neuron and pathways of a circuit may have the names of what engines make of them."""

from __future__ import annotations

import pytest

from neurosim import Circuit, NeuronModel, Pathway, Phase, Population, Rule, simulate
from neurosim.errors import EquationError

ENGINES = ("batched", "brian")


def neuron(line: str) -> NeuronModel:
    equations = f"dv/dt = (1.5 - v)/(10*ms) : 1\n{line} = 0.5*v_t : 1\nv_t : 1"
    return NeuronModel(equations, threshold=f"v > {line}", reset="v = 0", refractory="1 ms", parameters={"v_t": 2})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("line", ["threshold", "reset", "advance", "margin", "delivered", "traces"])
def test_a_line_is_what_it_says_whatever_it_is_called(line: str, engine: str) -> None:
    spikes = simulate(neuron(line), "60 ms", engine=engine).spikes.values
    assert spikes.any()
    assert (spikes == simulate(neuron("level"), "60 ms", engine=engine).spikes.values).all()


@pytest.mark.parametrize("name", ["threshold", "reset"])
def test_a_line_that_draws_leaves_the_streams_of_thresholds_and_resets_alone(name: str) -> None:
    equations = f"dv/dt = ({name} - v)/(10*ms) : 1\n{name} = rand() : 1 (constant over dt)"
    with pytest.raises(EquationError, match=f"'{name}' draws random numbers.*call this line otherwise"):
        NeuronModel(equations, threshold="v > 1", reset="v = 0")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["post", "pre", "source", "target", "delay", "queue", "N", "w", "spikes"])
def test_a_pathway_delivers_and_learns_whatever_it_is_called(name: str, engine: str) -> None:
    cell = NeuronModel("dv/dt = (1.5 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0")
    rule = Rule(on_pre="w += 0.01", on_post="w += 0.001")
    pathway = Pathway(name, "a.spikes", "b.v", rule=rule, initial=0.1, delay="1 ms")
    populations = (Population("a", 2, cell), Population("b", 1, cell))
    circuit = Circuit("c", populations, (pathway,), (Phase("p", "40 ms", learn=(name,)),))
    found = simulate(circuit, record=["a.spikes", "b.spikes"], engine=engine)
    arrived = found["a.spikes"].values[:-10, 0].sum(axis=0)
    fired = found["b.spikes"].values[:, 0].sum()
    assert found[f"{name}.w"].values[0, 0] == pytest.approx(0.1 + 0.01 * arrived + 0.001 * fired)
