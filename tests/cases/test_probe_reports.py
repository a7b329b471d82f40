"""Reports of probes: numbers with unit, meaning and verdict, and a figure or the reason for none."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
import xarray
from matplotlib.figure import Figure
from typer.testing import CliRunner

from neurosim import cli, registry
from neurosim.engines.state import initial_state
from neurosim.model_files.model_file import load
from neurosim.plots.curve import family
from neurosim.probes._findings import Number, number_of
from neurosim.runs import planes
from neurosim.runs.drawing import draw_all
from neurosim.runs.planes import save_planes
from neurosim.runs.run import train
from neurosim.studies.probe_report import description_of, lines_of

PROBES = registry.names("probes")
SHIPPED = sorted({name.partition("/")[0] for name in registry.models()})


@pytest.mark.parametrize("probe", PROBES)
def test_every_probe_declares_its_numbers(probe):
    declared = registry.load("probes", probe).NUMBERS
    assert declared and len({number.name for number in declared}) == len(declared)
    for number in declared:
        assert number.unit and len(number.meaning) > 10 and "\n" not in number.meaning


@pytest.mark.parametrize("folder", SHIPPED)
def test_numbers_that_rows_read_are_declared_with_the_rows_unit(folder):
    path = registry.expected_path(folder)
    rows = [r for r in tomllib.loads(path.read_text())["expected"] if str(r.get("name", "")).startswith("probe.")]
    for row in rows:
        found = [number_of(registry.load("probes", probe).NUMBERS, row["name"][6:]) for probe in PROBES]
        units = {number.unit for number in found if number is not None}
        assert units, row["name"]
        if row.get("relation") != "ratio":
            assert row.get("unit", "1") in units, (row["name"], units)


@pytest.mark.parametrize(
    ("pattern", "name", "means"),
    [
        ("<layer>.cosine", "hidden1.cosine", True),
        ("<layer>.cosine", "hidden1.cosine_2", False),
        ("<layer>.cosine", "cosine", False),
        ("above_<level>", "above_50", True),
        ("above_<level>", "above_2.5", True),
        ("above_<level>", "transfer.above_50", False),
        ("error_at_<time>", "error_at_25ms", True),
        ("slope", "slope", True),
    ],
)
def test_a_pattern_means_numbers_of_its_form_alone(pattern, name, means):
    assert Number(pattern, "1", "a meaning").means(name) is means


MODEL: dict[str, Any] = {
    "model": {"title": "Estimates", "description": "One network,\nmeasured."},
    "task": {"kind": "digits"},
    "network": {"hidden": [4]},
    "scheme": {"kind": "node_perturbation"},
    "engine": {"level": "steady"},
    "probe": {"kind": "estimate", "draws": 64, "chunk": 64},
}


@pytest.fixture()
def path(tmp_path) -> Path:
    """A probe's model with rows about it, about another variant of it, and about two runs at once."""
    own = {"fact": "F.", "model": "count", "seeds": [0], "source": "derived", "name": "probe.variance_ratio"}
    rows = [
        own | {"value": 1.0, "tolerance": 0.25},
        own | {"low": 5.0, "source": "paper", "known_gap": "too few draws"},
        own | {"low": 7.0, "overrides": ["probe.draws=128"]},
        own | {"low": 9.0, "relation": "ratio", "versus": {"overrides": ["probe.draws=128"]}},
    ]
    (tmp_path / "expected.toml").write_text(tomli_w.dumps({"expected": rows}))
    (tmp_path / "count.toml").write_text(tomli_w.dumps(MODEL))
    return tmp_path / "count.toml"


def test_verdicts_are_those_of_rows_about_this_very_model(path):
    numbers = {"variance_ratio": 1.2, "hidden1.cosine": 0.5, "one_shot_cosine": None}
    ratio, cosine, nothing = lines_of(numbers, load(path), path)
    assert ratio.verdict == "met (1 ± 0.25, derived); falls short; known gap: too few draws (at least 5, paper)"
    assert ratio.unit == "1" and "variance" in ratio.meaning and cosine.verdict == ""
    assert nothing.cells[1] == "not reached"
    (other,) = lines_of({"variance_ratio": 1.2}, load(path, ["probe.draws=128"]), path)
    assert other.verdict == "falls short (at least 7, derived)"
    (elsewhere,) = lines_of({"variance_ratio": 1.2}, load(MODEL), None)
    assert elsewhere.verdict == ""


def test_shipped_models_are_judged_by_their_own_rows():
    numbers = {"hidden1.growth_rate": 0.9995, "hidden1.angle_deg": 0.0}
    rate, angle = lines_of(numbers, load("kunin2020/stability"), "kunin2020/stability")
    assert rate.verdict.startswith("met (1 ") and angle.cells[1] == "0 deg"
    name = "kunin2020/stability+shrinks"
    (varied,) = lines_of({"hidden1.growth_rate": 0.9995}, load(name), name)
    assert varied.verdict != "" and varied.verdict != rate.verdict


def test_the_command_prints_description_unit_meaning_and_verdict_and_draws_curves(path, tmp_path):
    runner = CliRunner(env={"COLUMNS": "200"})
    result = runner.invoke(cli.app, ["run", str(path), "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    for text in ("Estimates", "One network, measured.", "variance_ratio", "mean over units", "1 ± 0.25, derived"):
        assert text in result.stdout
    drawn = runner.invoke(cli.app, ["plot", str(tmp_path / "run")])
    assert drawn.exit_code == 0 and "probe.png" in drawn.stdout


def test_the_description_has_no_breaks_of_the_file():
    assert description_of(load(MODEL)) == "Estimates\nOne network, measured."


@pytest.mark.parametrize(
    ("model", "name", "axes"),
    [
        ("podlaski2020/loops", "loop_plane.png", 2),
        ("podlaski2020/loops+single", "loop_plane.png", 1),
        ("kunin2020/stability", "phase_plane.png", 1),
        ("kunin2020/stability+settles", "phase_plane.png", 1),
    ],
)
def test_probes_of_loops_and_flows_draw_their_plane(model, name, axes, tmp_path, monkeypatch):
    seen: list[Figure] = []
    monkeypatch.setattr(planes, "save_figure", lambda figure, path: seen.append(figure) or path)
    loaded = load(model)
    written, why = save_planes(loaded, loaded.circuit, 0, tmp_path)
    assert [path.name for path in written] == [name] and not why
    assert len(seen[0].axes) == axes


def test_eigenvalues_in_the_plane_are_those_of_the_loop(tmp_path, monkeypatch):
    drawn: list[np.ndarray] = []

    def note(eigenvalues: np.ndarray, ax: Any, **_: Any) -> Any:
        drawn.append(eigenvalues)
        return ax

    monkeypatch.setattr(planes, "loop_plane", note)
    loaded = load("podlaski2020/loops")
    save_planes(loaded, loaded.circuit, 3, tmp_path)
    state = initial_state(loaded.circuit, 3)
    # Feedback is minus the transpose, so they are minus the squares of the singular values.
    expected = [np.sort(-(np.linalg.svd(state[f"{w}.w"], compute_uv=False) ** 2)) for w in ("W2", "W3")]
    for found, wanted in zip(sorted(drawn, key=len), sorted(expected, key=len), strict=True):
        np.testing.assert_allclose(np.sort(np.real(found)), wanted, rtol=1e-9)


def test_a_probe_without_curves_says_why_there_is_no_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    (tmp_path / "silent.py").write_text(
        '"""Counts."""\n'
        "from pydantic import BaseModel\n"
        "from neurosim.probes._findings import Findings\n\n\n"
        "class Config(BaseModel):\n    pass\n\n\n"
        "def measure(config, engine, task, *, seed, on_step=None):\n"
        '    return Findings({"inputs": float(task.n_inputs)})\n'
    )
    registry.register("probes", tmp_path / "silent.py")
    run = train({**MODEL, "probe": {"kind": "silent"}}, out=tmp_path / "run")
    said: list[str] = []
    assert draw_all(run.folder, said.append) == []
    assert said == ["no figure: the probe 'silent' leaves no curves; its results are the 1 numbers of summary.json"]
    (line,) = lines_of(run.summary["probe"], load({**MODEL, "probe": {"kind": "silent"}}), None)
    assert line.cells == ("inputs", "64", "", "")


def test_curves_by_layer_are_lines_with_their_names():
    coords: dict[str, Any] = {"repetition": [0, 1], "presentations": [1, 2, 3], "layer": ["hidden1", "hidden2"]}
    values = xarray.DataArray(np.arange(12.0).reshape(2, 3, 2), coords, list(coords), name="angle")
    ax = family(values, Figure().subplots())
    assert [line.get_label() for line in ax.lines] == ["hidden1", "hidden2"]
    np.testing.assert_allclose(np.asarray(ax.lines[0].get_ydata()), [3, 5, 7])
    single = family(values.isel(presentations=0, drop=True), Figure().subplots())
    assert [len(np.asarray(line.get_xdata())) for line in single.lines] == [2, 2]
