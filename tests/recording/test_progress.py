"""How far a simulation is: shown on a terminal and in a notebook once it takes long, and results stay the same."""

from __future__ import annotations

import io
import sys
import time
from typing import Any, ClassVar

import numpy as np
import pytest

from neurosim import simulate
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.neurons._model import NeuronModel
from neurosim.recording import progress
from neurosim.recording import simulate as simulating
from neurosim.recording.progress import SimulationProgress, parts_of
from neurosim.rules._rule import Rule

NEURON = NeuronModel(
    "dv/dt = (1.5 + g - v)/tau + xi*tau**-0.5 : 1 (unless refractory)\ndg/dt = -g/tau : 1",
    threshold="v > 1",
    reset="v = 0",
    refractory="2 ms",
    method="euler",
    parameters={"tau": "10 ms"},
)
STDP = Rule(on_pre="w += 0.1*y", on_post="y += 1", traces="dy/dt = -y/(10*ms) : 1")


def circuit(rule: Rule | None = None) -> Circuit:
    own: dict[str, Any] = {} if rule is None else {"rule": rule}
    pathway = Pathway("aa", "a.spikes", "a.g", initial=0.2, delay="1 ms", **own)
    return Circuit("net", (Population("a", 4, NEURON),), (pathway,), ())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Noted(SimulationProgress):
    """SimulationProgress that keeps what it is told and shows nothing."""

    made: ClassVar[list[Noted]] = []

    def __init__(self, asked: bool | None, what: str) -> None:
        super().__init__(asked, what, patience=1e6)
        self.told: list[float] = []
        self.made.append(self)

    def part(self, begin: float, share: float, done: float = 1.0) -> None:
        super().part(begin, share, done)
        self.told.append(self.done or 0.0)


@pytest.fixture()
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Noted]:
    Noted.made = []
    monkeypatch.setattr(simulating, "SimulationProgress", Noted)
    return Noted.made


def cut_into(monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    monkeypatch.setattr(simulating, "parts_of", lambda *_: parts)


@pytest.mark.parametrize("rule", [None, STDP])
def test_results_have_the_same_bits_whether_it_is_shown(rule, noted, monkeypatch):
    cut_into(monkeypatch, 3)
    settings: dict[str, Any] = {"trials": 2, "record": ["a.v", "a.spikes", "mean(a.g)"], "every": {"a.v": "0.7 ms"}}
    silent = simulate(circuit(rule), "20 ms", progress=False, **settings)
    shown = simulate(circuit(rule), "20 ms", progress=True, **settings)
    assert silent.identical(shown)
    assert [len(each.told) for each in noted] == [1, 3]
    np.testing.assert_allclose(noted[1].told, [67 / 200, 134 / 200, 1])
    assert silent["a.spikes"].sum() > 5


def test_what_acts_when_all_is_over_is_not_cut(noted, monkeypatch):
    cut_into(monkeypatch, 3)
    late = Rule(update="w += 0.1*v_pre", timing="phase_end")
    simulate(circuit(late), "5 ms", progress=True)
    assert noted[0].told == [1.0]


def test_phases_are_not_cut(noted):
    model = circuit()
    phases = Circuit("two", model.populations, model.pathways, (Phase("a", "2 ms"), Phase("b", "2 ms")))
    simulate(phases, progress=True)
    assert noted[0].told == [1.0]


def test_brian_tells_it_during_the_run(noted, monkeypatch):
    from neurosim.engines.brian import presentations

    monkeypatch.setattr(presentations, "_REPORT", 1e-6 * presentations.brian2.second)
    shown = simulate(circuit(), "20 ms", trials=2, engine="brian", progress=True)
    told = noted[0].told
    assert len(told) > 3 and told == sorted(told) and told[-1] == 1 and told[1] < 1
    assert simulate(circuit(), "20 ms", trials=2, engine="brian", progress=False).identical(shown)


def test_only_what_lasts_long_is_cut():
    assert parts_of(circuit(), 1000, 1) == 1
    assert 5 < parts_of(circuit(), 2_000_000, 1) < parts_of(circuit(), 2_000_000, 400) <= 50


def wait(shown: SimulationProgress, stream: io.StringIO, text: str) -> None:
    """Until the text is written."""
    for _ in range(2000):
        if text in stream.getvalue():
            return
        time.sleep(0.005)
    raise AssertionError(f"{text!r} not in {stream.getvalue()!r}")


def test_on_a_terminal_there_is_a_bar_that_goes_away(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with SimulationProgress(None, "simulating [net]", patience=0.0) as shown:
        assert shown.shown
        wait(shown, stream, "simulating [net]")
        shown.part(0.5, 0.5, 0.5)
    assert stream.getvalue().endswith("\x1b[2K") and "75" not in stream.getvalue()[-10:]


def test_elsewhere_it_is_silent_unless_asked_for(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with SimulationProgress(None, "simulating", patience=0.0) as shown:
        assert not shown.shown and shown._thread is None
    monkeypatch.setattr(progress, "_LOG", 0.01)
    with SimulationProgress(True, "simulating", patience=0.0) as shown:
        shown.part(0.0, 0.5)
        wait(shown, stream, "simulating: 50 %, 0 s, about 0 s left\n")
    with SimulationProgress(False, "simulating", patience=0.0) as shown:
        assert shown._thread is None


def test_what_is_over_soon_shows_nothing(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with SimulationProgress(True, "simulating"):
        pass
    assert stream.getvalue() == ""


def test_in_a_notebook_it_is_a_line_that_is_written_over(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr(sys, "stdout", stream)
    with SimulationProgress(None, "simulating", patience=0.0) as shown:
        wait(shown, stream, "\rsimulating: 0 s")
        shown.part(0.0, 0.25)
        wait(shown, stream, "\rsimulating: 25 %")
    assert stream.getvalue().endswith(" \r")
    with SimulationProgress(False, "simulating", patience=0.0) as shown:
        assert not shown.shown
