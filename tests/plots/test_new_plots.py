"""Recordings, weights, circuits and neurons as figures: what is drawn is what is there, with units."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import xarray
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Population
from neurosim.errors import CircuitError, DataError, UnitError
from neurosim.model_files.model_file import load
from neurosim.neurons._model import NeuronModel
from neurosim.plots import figures
from neurosim.plots.alignment import alignment
from neurosim.plots.circuit import circuit_diagram
from neurosim.plots.figures import save_recording_figures
from neurosim.plots.learning_curve import seed_bands
from neurosim.plots.phase_portrait import derivative, phase_portrait
from neurosim.plots.recording import raster, traces
from neurosim.plots.weights import weight_courses, weight_scatter
from tests.default_run import LAYERED

LEAKY = NeuronModel(
    "dv/dt = (e_leak - v + r_m*i_ext)/tau_m : volt\ni_ext : amp",
    threshold="v > -50*mV",
    reset="v = e_leak",
    parameters={"tau_m": "10 ms", "e_leak": "-70 mV", "r_m": "100 Mohm", "i_ext": "0.1 nA"},
    initial={"v": "-70 mV"},
)


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture
def recording():
    spikes = np.zeros((100, 2, 3), dtype=bool)
    spikes[[10, 20, 30], 0, [0, 1, 1]] = True
    other = np.zeros((100, 2, 2), dtype=bool)
    other[50, 0, 1] = True
    v = -70e-3 + 1e-3 * np.arange(100)[:, None, None] * np.ones((1, 2, 3))
    return xarray.Dataset(
        {
            "a.v": (("time", "trial", "neuron_a"), v, {"units": "volt"}),
            "a.spikes": (("time", "trial", "neuron_a"), spikes, {"units": "1"}),
            "b.spikes": (("time", "trial", "neuron_b"), other, {"units": "1"}),
        },
        coords={"time": ("time", 1e-3 * np.arange(100), {"units": "second"})},
        attrs={"model": "two", "dt": 1e-3},
    )


def test_a_raster_has_a_tick_for_each_spike(recording, ax):
    assert raster(recording, ax) is ax
    ticks = [[segment[0] for segment in lines.get_segments()] for lines in ax.collections]
    np.testing.assert_allclose(ticks[0], [(10, 0.1), (20, 1.1), (30, 1.1)])
    np.testing.assert_allclose(ticks[1], [(50, 4.1)])
    assert ax.get_xlabel() == "time (ms)"
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    only = raster(recording, Figure().subplots(), populations=["b"])
    assert len(only.collections) == 1 and only.get_ylabel() == "neuron (number)"
    silent = raster(recording, Figure().subplots(), trial=1).collections
    assert not any(cast("LineCollection", lines).get_segments() for lines in silent)
    with pytest.raises(DataError, match=r"needs recorded spikes, got a\.v"):
        raster(recording[["a.v"]], ax)


def test_traces_are_shown_in_a_unit_that_reads_well(recording, ax):
    assert traces(recording, ax, variable="a.v", neurons=[1]) is ax
    np.testing.assert_allclose(ax.lines[0].get_ydata(), -70 + np.arange(100))
    assert ax.get_ylabel() == "a.v (mV)" and ax.get_xlabel() == "time (ms)"
    np.testing.assert_allclose(ax.lines[1].get_xdata(), [20, 30])
    with pytest.raises(DataError, match=r"'a\.w' is no recorded trace; there are a\.v"):
        traces(recording, ax, variable="a.w")
    with pytest.raises(DataError, match="has 3 neurons, got number 3"):
        traces(recording, ax, variable="a.v", neurons=[3])


def test_the_figures_of_a_recording(recording, tmp_path):
    written = save_recording_figures(recording, tmp_path / "figures")
    assert [path.name for path in written] == ["raster.png", "traces.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_a_scatter_pairs_the_two_weights_between_the_same_neurons(ax):
    generator = np.random.default_rng(0)
    forward = generator.standard_normal((4, 3))
    assert weight_scatter(forward, 0.5 * forward.T, ax, name="B1") is ax
    points = next(line for line in ax.lines if line.get_marker() == ".")
    np.testing.assert_allclose(points.get_ydata(), 0.5 * np.asarray(points.get_xdata()))
    assert ax.get_title() == "B1, 0.0 degrees"
    assert ax.get_legend().get_texts()[0].get_text() == "slope 0.5"
    with pytest.raises(DataError, match=r"shape \(4, 3\), expected \(3, 4\)"):
        weight_scatter(forward, forward, ax)
    assert weight_scatter(forward, 0 * forward.T, Figure().subplots(), name="B").get_title() == "B"


def test_bands_are_confidence_intervals_over_seeds(ax):
    losses = np.array([[3.0, 2.0], [5.0, 2.0], [4.0, 2.0]])
    attrs = {"units": "1", "long_name": "validation loss"}
    histories = [xarray.Dataset({"validation_loss": ("epoch", row, attrs)}, {"epoch": [0, 1]}) for row in losses]
    assert seed_bands(histories, ax, name="demo") is ax
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [4, 2])
    # Student's t for two degrees of freedom is 4.303; the standard deviation of 3, 4, 5 is one.
    (band,) = ax.collections
    assert band.get_paths()[0].get_extents().y1 == pytest.approx(4 + 4.3027 / np.sqrt(3), abs=1e-3)
    assert ax.get_legend().get_texts()[0].get_text() == "demo, 3 seeds"
    assert not seed_bands(histories[:1], Figure().subplots()).collections
    with pytest.raises(DataError, match="at least one history"):
        seed_bands([], ax)


def test_a_diagram_has_every_population_and_pathway(ax):
    circuit = load("lansdell2020/digits").circuit
    assert circuit_diagram(circuit, ax) is ax
    words = {text.get_text() for text in ax.texts}
    # The bias unit and its pathways are left out.
    assert {"input", "hidden1", "hidden2", "output", "W1", "W2", "W3", "B1", "B2", "64 neurons"} <= words
    assert "one" not in words
    assert sum(isinstance(patch, FancyBboxPatch) for patch in ax.patches) == 4
    assert sum(isinstance(patch, FancyArrowPatch) for patch in ax.patches) == 5


@pytest.mark.parametrize("scheme", LAYERED)
def test_the_diagram_of_every_scheme(scheme, ax):
    sections = {"task": {"kind": "digits"}, "scheme": {"kind": scheme}, "network": {"hidden": [5, 4]}}
    circuit = load(sections).circuit
    words = {text.get_text() for text in circuit_diagram(circuit, ax).texts}
    assert {"input", "hidden1", "hidden2", "output"} <= words


def test_a_single_input_is_no_bias(ax):
    task = {"kind": "teacher_student", "n_inputs": 1, "n_outputs": 1}
    network = {"hidden": [1], "readout": "squared_error"}
    circuit = load({"task": task, "scheme": {"kind": "backpropagation"}, "network": network}).circuit
    words = {text.get_text() for text in circuit_diagram(circuit, ax).texts}
    assert {"input", "hidden1", "output", "1 neuron", "W1"} <= words
    assert "one" not in words


def test_the_diagram_of_a_recurrent_circuit(ax):
    populations = (Population("a", 2, LEAKY), Population("b", 3, LEAKY))
    loops = (Pathway("W", "a.v", "b.i_ext"), Pathway("V", "b.v", "a.i_ext"), Pathway("U", "a.v", "a.i_ext"))
    circuit = Circuit("loop", populations, (loops[0], loops[1]))
    words = {text.get_text() for text in circuit_diagram(circuit, ax).texts}
    assert {"a", "b", "W", "V"} <= words
    circuit_diagram(Circuit("alone", (Population("a", 2, LEAKY),), ()), Figure().subplots())


def test_the_rate_of_change_is_that_of_the_equations():
    v = np.array([-70e-3, -60e-3])
    values = {**LEAKY.parameter_values, "v": v, "i_ext": 0.1e-9}
    np.testing.assert_allclose(derivative(LEAKY, "v", values), (-70e-3 - v + 10e-3) / 10e-3)


def test_a_portrait_of_one_variable_marks_where_it_stands_still(ax):
    assert phase_portrait(LEAKY, ax, spans={"v": ("-80 mV", "-50 mV")}, inputs={"i_ext": "0.1 nA"}) is ax
    (point,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert float(np.asarray(point.get_xdata())[0]) == pytest.approx(-60)
    assert point.get_markerfacecolor() == "black"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("v (mV)", "dv/dt (mV/ms)")


def test_a_portrait_of_two_variables_has_nullclines_and_trajectories(ax):
    module = registry.load("neurons", "adex")
    neuron = module.build(module.Config())
    spans = {"v": ("-80 mV", "-40 mV"), "w": ("-0.1 nA", "0.5 nA")}
    assert phase_portrait(neuron, ax, spans=spans, inputs={"i_ext": "0.5 nA"}, starts=[("-70 mV", "0 nA")]) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("v (mV)", "w (nA)")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["dv/dt = 0", "dw/dt = 0", "trajectories, 100 ms"]
    contours = [c for c in ax.collections if hasattr(c, "levels")]
    known = {**neuron.parameter_values, **neuron.initial_values, "i_ext": 0.5e-9}
    for name, contour in zip(("v", "w"), contours, strict=True):
        v, w = contour.get_paths()[0].vertices.T
        change = derivative(neuron, name, {**known, "v": v * 1e-3, "w": w * 1e-9})
        typical = np.abs(derivative(neuron, name, {**known, "v": np.float64(-75e-3), "w": np.float64(0.4e-9)}))
        assert np.abs(change).max() < 0.01 * typical


def test_portraits_that_cannot_be_drawn(ax):
    with pytest.raises(CircuitError, match="expected one or two of v"):
        phase_portrait(LEAKY, ax, spans={"u": (0, 1)})
    with pytest.raises(CircuitError, match="'i' is no parameter"):
        phase_portrait(LEAKY, ax, spans={"v": ("-80 mV", "-50 mV")}, inputs={"i": 1})
    with pytest.raises(UnitError):
        phase_portrait(LEAKY, ax, spans={"v": ("-80 nA", "-50 mV")})


def test_of_many_neurons_every_tick_can_be_seen():
    spikes = np.zeros((10, 1, 2000), dtype=bool)
    spikes[5, 0, 1000] = True
    many = xarray.Dataset({"a.spikes": (("time", "trial", "neuron_a"), spikes)}, {"time": np.arange(10.0)}, {"dt": 1.0})
    ax = raster(many, Figure().subplots())
    (lines,) = ax.collections
    (segment,) = cast("LineCollection", lines).get_segments()
    low, high = np.asarray(segment)[:, 1]
    points = ax.bbox.height * 72 / ax.figure.dpi
    assert (high - low) / 2000 * points == pytest.approx(2.5) and (low + high) / 2 == 1000.5
    assert ax.get_yticks()[0] == 0.5 and ax.get_yticklabels()[0].get_text() == "0"


@pytest.fixture
def course() -> xarray.Dataset:
    """Of a run: 100 synapses at three epochs, the traces of a neuron."""
    weights = np.arange(300.0).reshape(3, 10, 10)
    traces = np.zeros((4, 6, 1))
    return xarray.Dataset(
        {"B1.w": (("snapshot", "post_B1", "pre_B1"), weights), "a.v": (("time", "trial", "neuron"), traces)},
        {"snapshot": [0, 5, 9], "epoch": ("trial", [0, 0, 5, 5, 9, 9]), "time": np.arange(4.0)},
        {"dt": 1.0},
    )


def test_weights_over_epochs(course, ax):
    assert weight_courses(course, ax, variable="B1.w") is ax
    *some, square = ax.lines
    assert len(some) == 30 and all(list(line.get_xdata()) == [0, 5, 9] for line in ax.lines)
    assert list(some[0].get_ydata()) == [0, 100, 200] and list(some[-1].get_ydata()) == [99, 199, 299]
    # The mean of k**2 from 0 to n - 1 is (n - 1)(2n - 1)/6.
    assert square.get_ydata()[0] == pytest.approx(np.sqrt(99 * 199 / 6))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "30 of 100 synapses",
        "root mean square of all",
    ]
    with pytest.raises(DataError, match=r"'a\.v' is no recorded weight; there are B1\.w"):
        weight_courses(course, ax, variable="a.v")


def test_of_a_run_the_first_and_the_last_recording_are_drawn(course, tmp_path, monkeypatch):
    drawn: dict[str, Figure] = {}
    monkeypatch.setattr(figures, "save_figure", lambda figure, path: drawn.setdefault(path.name, figure) and path)
    save_recording_figures(course, tmp_path, title="a title that is much too long for the width of one panel alone")
    assert list(drawn) == ["traces.png", "weights.png"]
    assert [ax.get_title() for ax in drawn["traces.png"].axes] == ["before learning", "after epoch 9"]
    title = drawn["weights.png"].get_suptitle()
    assert "\n" in title and max(map(len, title.splitlines())) <= 44


def test_what_was_measured_once_is_seen(ax):
    values = np.array([[np.nan, np.nan, 40.0], [np.nan, 80.0, 60.0]])
    attrs = {"units": "deg"}
    history = xarray.Dataset(
        {"signal_angle_deg": (("layer", "epoch"), values, attrs)}, {"layer": ["one", "two"], "epoch": [0, 5, 10]}
    )
    alignment(history, ax)
    once = next(line for line in ax.lines if line.get_label() == "one")
    assert list(once.get_xdata()) == [10] and once.get_marker() == "o"
    assert ax.get_xlim()[0] <= 0 and ax.get_xlim()[1] >= 10
