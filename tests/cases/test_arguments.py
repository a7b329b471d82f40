"""Every public function checks its arguments and refuses a wrong one by name."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import neurosim
from neurosim import Circuit, Initial, NeuronModel, Pathway, Phase, Population, Readout, Rule, Setting, Tie
from neurosim.errors import ArgumentError, NeurosimError

COUNTS = (0, -2, 2.5, "3", None, True, np.nan)
TIMES = (0, -1e-3, np.nan, np.inf, "0 ms", "-1 ms", "1 mV", "soon", True, [1.0])
NO_NUMBERS = ("text", None, {}, object())
PATHS = ("", "  ", 3, None, "a\0b")
NO_MAPPING = (3, "text", [("a", 1)])
#: Name of an argument -> values that no function takes for it; ``None`` only where it has no meaning.
WRONG: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("n", "trials", "draws", "stages"), COUNTS),
    "seed": (-1, None, 1.5, "0", 2**70, True),
    **dict.fromkeys(("first", "trial"), (-1, 1.5, "0", None)),
    "dtype": ("float16", np.float32, None, 64),
    **dict.fromkeys(("duration", "bin", "max_lag", "sampling"), TIMES),
    "engine": ("neuron", "Brian", None, 3),
    "target": ("gpu", None),
    "level": ("slow", None),
    **dict.fromkeys(("path", "folder", "out", "store", "restore"), PATHS),
    **dict.fromkeys(("record", "overrides", "variants", "populations"), ("v", [1], 3)),
    **dict.fromkeys(("inputs", "state", "stimuli", "spans"), NO_MAPPING),
    "circuit": ("digits", None, 3),
    "setting": ("rate", {}, None),
    **dict.fromkeys(("neuron", "flow"), ("lif", None)),
    "ax": (None, "ax", 3),
    **dict.fromkeys(("recording", "history", "curves"), ("run", None, 3, np.ones(3))),
    **dict.fromkeys(("delivered", "true", "spikes_over_time", "w", "b", "mu", "cross", "power"), NO_NUMBERS),
    **dict.fromkeys(("forward", "feedback", "kernels", "activity", "eigenvalues"), NO_NUMBERS),
    "ws": ("text", 3, [None]),
    **dict.fromkeys(("leak", "tau_u", "tau_x"), ("1", None, [1.0])),
    **dict.fromkeys(("amp", "decay", "sigma", "learning_rate"), ("1", None, np.nan)),
    **dict.fromkeys(("epsilon", "tau", "tau_m", "tau_noise", "samples"), (0, -1.0, np.inf, "1", None)),
    **dict.fromkeys(("damping", "gauss_newton"), (-1.0, np.nan, "1")),
    **dict.fromkeys(("phase", "layer", "variable", "measure", "quantity"), (3, "", [1])),
    **dict.fromkeys(("name", "title", "description"), (3, None)),
    **dict.fromkeys(("resume", "learn", "legend", "coloured", "data_given"), (1, "yes")),
    "order": ("first", 3),
    "model": ("lif", None, 3),
    "values": (None, "1 nA", 3.0),
    "source": (None, 3),
}
#: ``None`` stands for something here.
OPTIONAL = {"out", "store", "restore", "state", "inputs", "record", "populations", "learn", "duration", "phase"}
#: Where an argument of such a name is another thing, or is checked elsewhere, and by which test.
ELSEWHERE = {
    # A model by name, path, sections or Model: tests of models. They are data before anything runs.
    "neurosim.train": {"model"},
    "neurosim.sweep": {"source"},
    # A number of neurons, and a mapping of values.
    "neurosim.stability.feedback.sampling_angle": {"inputs"},
    "neurosim.plots.phase_portrait.derivative": {"values"},
    "neurosim.plots.figures.save_map_figure": {"activity"},
    # Registered kinds and paths: `test_the_registry_names_what_it_was_given`, because it lies below the checks.
    "neurosim.register": {"path"},
}
SUBMODULES = ("metrics", "stability", "plots")


def _functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in neurosim.__all__:
        found = getattr(neurosim, name)
        if inspect.isfunction(found):
            yield f"neurosim.{name}", found
    for package in SUBMODULES:
        module = importlib.import_module(f"neurosim.{package}")
        for info in pkgutil.iter_modules(module.__path__):
            if info.name.startswith("_"):
                continue
            one = importlib.import_module(f"neurosim.{package}.{info.name}")
            for name, found in vars(one).items():
                # What has an underscore, or only helps others of its file, is none of a user's.
                own = inspect.isfunction(found) and found.__module__ == one.__name__ and not name.startswith("_")
                if own and ((found.__doc__ or "").count("\n") or hasattr(found, "__checks__")):
                    yield f"neurosim.{package}.{info.name}.{name}", found
    gradients = ("finite_difference.finite_difference_gradients", "gauss_newton.gauss_newton_signals")
    for path in (*gradients, "gauss_newton_update.gauss_newton_updates", "update_angles.update_angles"):
        file, name = path.split(".")
        yield f"neurosim.gradients.{path}", getattr(importlib.import_module(f"neurosim.gradients.{file}"), name)


FUNCTIONS = dict(_functions())
CHECKED = [
    (path, name)
    for path, function in FUNCTIONS.items()
    for name in inspect.signature(function).parameters
    if name in WRONG and name not in ELSEWHERE.get(path, ())
]


def test_the_walk_finds_what_users_call() -> None:
    assert {"neurosim.simulate", "neurosim.train", "neurosim.to_nwb", "neurosim.metrics.angle.measure"} <= set(
        FUNCTIONS
    )
    assert len(FUNCTIONS) > 60 and len(CHECKED) > 120


@pytest.mark.parametrize(("path", "name"), CHECKED)
def test_wrong_values_are_refused_by_name(path: str, name: str) -> None:
    checks = getattr(FUNCTIONS[path], "__checks__", {})
    assert name in checks, f"{path} does not check '{name}'"
    for wrong in WRONG[name]:
        if wrong is None and (name in OPTIONAL or inspect.signature(FUNCTIONS[path]).parameters[name].default is None):
            continue
        with pytest.raises(NeurosimError, match=rf"^{name}\b"):
            checks[name](name, wrong)


LEAK = NeuronModel("dv/dt = (drive - v)/(5*ms) : 1\ndrive : 1\nr = v : 1")
ONE = Population("p", 2, LEAK)
VALID: dict[str, Any] = {
    "Population": ONE,
    "Pathway": Pathway("W", "p.r", "p.drive"),
    "Phase": Phase("all", "1 ms"),
    "Circuit": Circuit("one", (ONE,), phases=(Phase("all", "1 ms"),)),
    "Initial": Initial(),
    "Tie": Tie("W"),
    "Rule": Rule("w += 1"),
    "Readout": Readout(error="y - target", loss="y"),
    "Setting": Setting(),
    "NeuronModel": LEAK,
}
FIELDS: list[tuple[str, str, tuple[Any, ...]]] = [
    ("Population", "size", (2.5, "2", None, True)),
    ("Population", "neuron", ("lif", None)),
    ("Population", "noise", ("noise", 3)),
    ("Population", "parameters", (3, "a")),
    ("Population", "name", (3, None)),
    ("Pathway", "rule", ("delta", None)),
    ("Pathway", "tie", ("W",)),
    ("Pathway", "every", (1.5, "2", None)),
    ("Pathway", "sigma", ("1", np.nan)),
    ("Pathway", "reduction", ("median", None)),
    ("Pathway", "optimised", (1, "yes")),
    ("Phase", "learn", ("W", 3)),
    ("Phase", "hold", ("a.b = c", ["a.b = c"])),
    ("Phase", "switches", (3, "on")),
    ("Phase", "restart", (1, None)),
    ("Circuit", "populations", (3, [1], None)),
    ("Circuit", "pathways", (["W"],)),
    ("Circuit", "readout", ("squared_error",)),
    ("Circuit", "carry", (1, None)),
    ("Initial", "law", ("gamma", None)),
    ("Initial", "scale", ("1", np.nan, None, np.ones(2))),
    ("Initial", "fan", ("up",)),
    ("Tie", "pathway", (3, "")),
    ("Tie", "transposed", (1, "yes")),
    ("Rule", "update", (3, None)),
    ("Rule", "timing", ("spike", None)),
    ("Rule", "reads", ("reciprocal", 3)),
    ("Readout", "error", (3, None)),
    ("Readout", "pairwise", (3, "a")),
    ("Setting", "level", ("slow", None)),
    ("Setting", "dt", (0, -1e-3, np.nan, np.inf, None, True)),
    ("Setting", "dtype", ("float16", np.float32, None)),
    ("Setting", "surrogate_width", (0.0, -1.0, "1")),
    ("Setting", "surrogate_reset", (1, None)),
    ("NeuronModel", "equations", (3, None)),
    ("NeuronModel", "threshold", (3, 1.0)),
    ("NeuronModel", "parameters", (3, "a", None)),
    ("NeuronModel", "initial", (3, [1])),
]


@pytest.mark.parametrize(("kind", "field", "wrongs"), FIELDS, ids=[f"{kind}.{field}" for kind, field, _ in FIELDS])
def test_wrong_fields_are_refused_by_class_and_name(kind: str, field: str, wrongs: tuple[Any, ...]) -> None:
    for wrong in wrongs:
        with pytest.raises(ArgumentError, match=rf"^{kind}\.{field}\b"):
            dataclasses.replace(VALID[kind], **{field: wrong})


@pytest.mark.parametrize("wrong", [None, True, {}, {"law": "normal"}, b"w"])
def test_initial_weights_are_a_law_or_numbers(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="the initial weights of pathway 'W': got"):
        dataclasses.replace(VALID["Pathway"], initial=wrong)


@pytest.mark.parametrize("duration", ["0 ms", "-1 ms", "1 mV", 0.05, None, "soon"])
def test_phases_last_some_time(duration: Any) -> None:
    with pytest.raises(NeurosimError):
        Phase("all", duration)


def test_the_registry_names_what_it_was_given(tmp_path: Any) -> None:
    for kind in (3, None):
        with pytest.raises(ArgumentError, match=r"^kind: got"):
            neurosim.names(kind)  # type: ignore[arg-type]
    with pytest.raises(NeurosimError, match="unknown kind 'neuron'"):
        neurosim.names("neuron")
    for path in (tmp_path / "none.py", tmp_path):
        with pytest.raises(NeurosimError, match=re.escape(str(path))):
            neurosim.register("rules", path)
    with pytest.raises(ArgumentError, match=r"^path: got 3"):
        neurosim.register("rules", 3)  # type: ignore[arg-type]


def test_public_names_are_found_and_near_ones_suggested() -> None:
    assert {"simulate", "plots", "metrics", "stability", "gradients", "__version__"} <= set(dir(neurosim))
    assert not {"annotations", "importlib", "_HOME", "Any", "TYPE_CHECKING"} & set(dir(neurosim))
    for name in dir(neurosim):
        assert getattr(neurosim, name) is not None
    for wrong, message in {
        "simulat": "did you mean 'simulate'",
        "circuits": "did you mean 'circuit'",
        "neuronmodel": "did you mean 'NeuronModel'",
        "NeuronGroup": "here NeuronModel.*coming-from",
        "StateMonitor": "record= of simulate",
        "TimedArray": "over_time",
        "xyz": "no attribute 'xyz'$",
    }.items():
        with pytest.raises(AttributeError, match=message):
            getattr(neurosim, wrong)


def test_metrics_refuse_shapes_that_do_not_fit() -> None:
    for name in neurosim.names("metrics"):
        measure = neurosim.registry.load("metrics", name).measure
        if "delivered" in inspect.signature(measure).parameters:
            with pytest.raises(ArgumentError, match=r"delivered: got shape \(2, 3\).*\(2, 4\) of true"):
                measure(np.ones((2, 3)), np.ones((2, 4)))
