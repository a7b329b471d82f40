"""Models that measure instead of training: the section, and the run folder."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import pytest
import tomli_w
from typer.testing import CliRunner

from neurosim import cli, registry
from neurosim.errors import ConfigError, NumericalError
from neurosim.model_files.model_file import load
from neurosim.runs import folder as files
from neurosim.runs.run import draw, open_run, train
from neurosim.studies.compare import compare
from neurosim.studies.expected import load_expected
from neurosim.studies.reproduce import reproduce

PROBE = '''"""Counts what it is given."""
import xarray
from pydantic import BaseModel, ConfigDict
from neurosim.errors import NumericalError
from neurosim.probes._findings import Findings


class Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    factor: float = 2.0
    curves: bool = True


def measure(config, engine, task, *, seed, on_step=None):
    if config.factor < 0:
        raise NumericalError("the factor is negative")
    for done in (1, 2):
        if on_step is not None:
            on_step(done, 2)
    numbers = {"inputs": config.factor * task.n_inputs, "seed": seed, "none": float("nan")}
    if not config.curves:
        return Findings(numbers)
    samples = ("samples", [10, 100, 1000], {"units": "1"})
    error = ("samples", [1.0, 0.1, 0.01], {"units": "1", "long_name": "relative error"})
    table = (("samples", "unit"), [[1, 2], [3, 4], [5, 6]])
    return Findings(numbers, xarray.Dataset({"error": error, "table": table}, coords={"samples": samples}))
'''

MODEL: dict[str, Any] = {
    "model": {"title": "A probe"},
    "task": {"kind": "digits"},
    "network": {"hidden": [6]},
    "scheme": {"kind": "node_perturbation"},
    "engine": {"level": "steady"},
    "probe": {"kind": "counting", "factor": 3.0},
}


@pytest.fixture(autouse=True)
def counting(tmp_path_factory, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    path = tmp_path_factory.mktemp("probe") / "counting.py"
    path.write_text(PROBE)
    registry.register("probes", path)
    yield
    for name in [name for name in sys.modules if name.startswith("_neurosim_registered_")]:
        del sys.modules[name]


class Watch:
    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def begin(self, model, folder):
        assert model.probe_kind == "counting"

    def step(self, done, total):
        self.steps.append((done, total))

    def note(self, text):
        raise AssertionError(f"nothing is odd about this probe: {text}")

    def epoch(self, report):
        raise AssertionError("a probe has no epochs")


def test_a_probe_is_measured_instead_of_training(tmp_path):
    watch = Watch()
    run = train(MODEL, seed=4, out=tmp_path / "run", progress=watch)
    assert watch.steps == [(1, 2), (2, 2)]
    names = {path.name for path in run.folder.iterdir()}
    written = {files.CONFIG, files.PROVENANCE, files.SUMMARY, files.METRICS, files.LOG, files.FIGURES}
    assert names == written | {files.CHECKSUMS, files.TASK}
    summary = json.loads((run.folder / files.SUMMARY).read_text())
    assert summary["probe"] == {"inputs": 192.0, "seed": 4.0, "none": None}
    assert summary["probe_kind"] == "counting" and summary["wall_s"] >= 0 and "epochs" not in summary
    # Both variables are panels of one figure.
    assert [path.name for path in (run.folder / files.FIGURES).iterdir()] == ["probe.png"]
    again = open_run(run.folder)
    assert again.history.identical(run.history) and not again.state
    assert [path.name for path in draw(again)] == ["probe.png"]
    assert "inputs" in str(again)
    assert load(run.folder / files.CONFIG).hash == load(MODEL).hash


def test_a_probe_without_curves(tmp_path):
    run = train(MODEL, out=tmp_path / "run", overrides=["probe.curves=false"])
    assert not (run.folder / files.FIGURES).exists()
    assert not open_run(run.folder).history


def test_a_probe_that_fails_says_so_in_its_log(tmp_path):
    with pytest.raises(NumericalError, match="negative"):
        train(MODEL, out=tmp_path / "run", overrides=["probe.factor=-1"])
    assert "stopped: the factor" in (tmp_path / "run" / files.LOG).read_text()


def test_the_section_is_checked_like_the_others():
    model = load(MODEL)
    assert model.probe_kind == "counting"
    assert model.resolve()["probe"] == {"kind": "counting", "factor": 3.0, "curves": True}
    assert "training" not in model.resolve()
    assert load(model.resolve()) == model and load(MODEL, ["probe.factor=4"]).hash != model.hash
    with pytest.raises(ConfigError, match=r"probe.factr: unknown key, got 1; did you mean 'factor'"):
        load(MODEL, ["probe.factr=1"])
    with pytest.raises(ConfigError, match=r"probe.kind: got 'countin'.*did you mean 'counting'"):
        load(MODEL, ["probe.kind=countin"])
    with pytest.raises(ConfigError, match="probe: got a probe and training, expected one of them"):
        load(MODEL, ["training.epochs=3"])


def test_a_variant_can_measure_what_the_file_trains():
    trained = {name: table for name, table in MODEL.items() if name != "probe"}
    trained |= {"training": {"epochs": 3}, "variants": {"count": {"probe": {"kind": "counting"}}}}
    assert not load(trained).probe_kind
    assert load(trained, variants=["count"]).probe_kind == "counting"
    both = {**trained, "variants": {"count": {"probe": {"kind": "counting"}, "training": {"epochs": 1}}}}
    with pytest.raises(ConfigError, match="got a probe and training"):
        load(both, variants=["count"])


def test_numbers_keep_nan_in_python(tmp_path):
    assert math.isnan(train(MODEL, out=tmp_path / "run").summary["probe"]["none"])


@pytest.fixture
def row_folder(tmp_path):
    def make(*rows: dict[str, Any]):
        (tmp_path / "count.toml").write_text(tomli_w.dumps(MODEL))
        given = {"fact": "F.", "model": "count", "seeds": [0], "source": "derived", "tolerance": 1e-9}
        (tmp_path / "expected.toml").write_text(tomli_w.dumps({"expected": [given | row for row in rows]}))
        return tmp_path

    return make


def test_rows_about_what_a_probe_measures(row_folder, tmp_path):
    rows = (
        {"name": "probe.inputs", "value": 192.0},
        {"name": "probe.inputs", "value": 128.0, "overrides": ["probe.factor=2.0"]},
        {"history": "error", "over": "slope", "value": -1.0},
        {"history": "error", "over": "first_below", "level": 0.2, "value": 100.0},
        {"name": "probe.input", "value": 1.0},
        {"name": "probe.inputs", "value": 1.0, "overrides": ["probe.factor=-1.0"]},
    )
    verdicts = reproduce(row_folder(*rows), out=tmp_path / "runs")
    assert [verdict.verdict for verdict in verdicts] == ["met"] * 4 + ["falls short"] * 2
    assert "did you mean 'inputs'" in verdicts[4].note and "the factor is negative" in verdicts[5].note
    for name in ("test_accuracy", "layers.hidden1.signal_angle_deg", "probe"):
        with pytest.raises(ConfigError, match=r"expected probe\.<number>: count measures instead of training"):
            load_expected(row_folder({"name": name, "value": 1.0}))


def test_the_command_shows_the_numbers(row_folder, tmp_path):
    result = CliRunner().invoke(cli.app, ["run", str(row_folder() / "count.toml"), "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "counting of node_perturbation on digits" in result.stdout
    assert "inputs" in result.stdout and "192" in result.stdout


def test_probes_are_not_compared(row_folder, tmp_path):
    with pytest.raises(ConfigError, match="count measures with a probe"):
        compare([row_folder() / "count.toml"], out=tmp_path / "runs")
