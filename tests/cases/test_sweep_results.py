"""Results of sweeps: no other sweep replaces them, numbers with names and units, errors in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from typer.testing import CliRunner

import neurosim
from neurosim import cli
from neurosim.errors import ArgumentError, ConfigError, DataError, EngineError
from neurosim.studies.statistics import interval
from neurosim.studies.sweeps import driver, pool
from neurosim.studies.sweeps.same import lost
from neurosim.studies.sweeps.table import cells, columns, failures
from tests.cases.run_tables import model_file, write_rows

RATE = "scheme.learning_rate"


@pytest.fixture(scope="module")
def client():
    """A worker in a thread of this process."""
    distributed = pytest.importorskip("distributed")
    pytest.importorskip("optuna")
    settings: dict[str, Any] = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.Client(processes=False, set_as_default=False, **settings) as found:
        yield found


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(model_file(tmp_path_factory.mktemp("sweeps") / "study"))


def tables(model: str, *rates: float, **about: Any) -> dict[str, Any]:
    return {"sweep": {"model": model, **about}, "grid": {RATE: list(rates)}}


def test_another_sweep_is_refused_in_the_folder_and_a_wider_one_is_not(client, model, tmp_path):
    out = tmp_path / "out"
    neurosim.sweep(tables(model, 0.1), scheduler=client, out=out)
    held = {name: (out / name).read_bytes() for name in ("results.csv", "sweep.toml")}
    for other in (
        tables(model, 0.2),
        tables(model, 0.1, seeds=[1]),
        tables(model, 0.1, metric="train_loss", direction="minimize"),
        tables(model, 0.1, overrides=["training.epochs=2"]),
        {"sweep": {"model": model}, "grid": {"network.hidden": [[4]]}},
        {"sweep": {"model": model}, "zip": {RATE: [0.1]}},
    ):
        with pytest.raises(ConfigError, match="holds the results of another sweep, which would be replaced"):
            neurosim.sweep(other, scheduler=client, out=out)
    assert held == {name: (out / name).read_bytes() for name in held}
    wider = neurosim.sweep(tables(model, 0.1, 0.2, seeds=[0, 1], title="More"), scheduler=client, out=out)
    assert wider.sizes[RATE] == 2 and wider.sizes["seed"] == 2 and (wider.status == "finished").all()


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({"list": [{"a.b": 1}, {"a.b": 2}]}, {"list": [{"a.b": 1}]}, ""),
        ({"list": [{"a.b": 1}]}, {"list": [{"a.b": 1}, {"a.b": 2}]}, "it has the configuration"),
        ({"random": {"count": 5, "seed": 0, "a.b": [1]}}, {"random": {"count": 3, "seed": 0, "a.b": [1]}}, ""),
        ({"random": {"count": 3, "seed": 0, "a.b": [1]}}, {"random": {"count": 5, "seed": 0, "a.b": [1]}}, "it has 5"),
        ({"random": {"count": 3, "seed": 1, "a.b": [1]}}, {"random": {"count": 3, "seed": 0, "a.b": [1]}}, "seed = 0"),
        ({"zip": {"a.b": [1, 2], "a.c": [3, 4]}}, {"zip": {"a.c": [4], "a.b": [2]}}, ""),
        ({"zip": {"a.b": [1, 2], "a.c": [3, 4]}}, {"zip": {"a.b": [1], "a.c": [4]}}, "it has"),
        ({"search": {"trials": 9, "seed": 0, "a.b": [1]}}, {"search": {"trials": 3, "seed": 0, "a.b": [1]}}, ""),
        ({"grid": {"a.b": [1], "a.c": [1]}}, {"grid": {"a.b": [1]}}, "it varies a.b"),
        ({"grid": {"a.b": [True]}}, {"grid": {"a.b": [1]}}, "it has a.b = 1"),
    ],
)
def test_what_one_sweep_lacks_of_another(ours, theirs, expected):
    about = {"sweep": {"model": "m"}}
    found = lost(about | ours, about | theirs)
    assert (expected in found) if expected else not found


def test_the_results_of_somebody_else_are_left_alone(client, model, tmp_path):
    (tmp_path / "results.csv").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds results\.csv, but not the sweep\.toml"):
        neurosim.sweep(tables(model, 0.1), scheduler=client, out=tmp_path)
    assert (tmp_path / "results.csv").read_text() == "mine"


def test_changed_data_are_run_again(client, tmp_path):
    path = model_file(tmp_path / "study")
    first = neurosim.sweep(tables(str(path), 0.1), scheduler=client, out=tmp_path / "out")
    write_rows(path.parent / "rows.csv", seed=7)
    second = neurosim.sweep(tables(str(path), 0.1), scheduler=client, out=tmp_path / "out")
    assert float(second.run_s[0, 0]) > 0 and float(first.test_loss[0, 0]) != float(second.test_loss[0, 0])


def test_data_may_be_what_is_varied(client, model, tmp_path):
    paths = [str(write_rows(tmp_path / f"{seed}.csv", seed)) for seed in (1, 2)]
    grid = {"sweep": {"model": model}, "grid": {"task.path": paths}}
    found = neurosim.sweep(grid, scheduler=client, out=tmp_path / "out")
    assert len(set(found.test_loss.values.ravel())) == 2 and len(list((tmp_path / "out" / "runs").iterdir())) == 2


def test_a_metric_that_is_not_a_number_in_any_run_is_an_error(client, model, tmp_path):
    metric = {"name": "layers.output.signal_angle_deg"}
    given = tables(model, 0.1, metric=metric, direction="minimize", overrides=["training.measure_every=1"])
    with pytest.raises(DataError, match=r"has no value in the one run that finished; there are .*test_loss"):
        neurosim.sweep(given, scheduler=client, out=tmp_path / "out")
    assert (tmp_path / "out" / "results.csv").is_file()
    plan = driver.read_plan(given)
    outcome = driver.carry_out(plan, scheduler=client, out=tmp_path / "out")
    assert outcome.failed and "has no value in the one run" in failures(outcome)[0]


def test_the_table_names_the_metric_with_its_unit_and_few_seeds_by_their_ends(client, model, tmp_path):
    given = tables(model, 0.1, 0.3, metric="validation_accuracy", direction="maximize", seeds=[0, 1])
    outcome = driver.carry_out(driver.read_plan(given), scheduler=client, out=tmp_path / "out")
    assert columns(outcome) == ("configuration", "seeds", "validation accuracy (%)")
    assert all(" to " in cell[2] and "±" not in cell[2] for cell in cells(outcome))
    angle = {"history": "signal_angle_deg", "layer": "hidden1", "over": "last"}
    more = tables(model, 0.1, metric=angle, direction="minimize", overrides=["training.measure_every=1"])
    found = neurosim.sweep(more, scheduler=client, out=tmp_path / "angles")
    assert found.metric.attrs["units"] == "deg"


def test_few_values_are_shown_from_the_least_to_the_greatest():
    assert interval([83.3, 100.0]).text_of_few() == "91.65 (83.3 to 100)"
    assert interval([1.0, 2.0, 3.0, 4.0]).text_of_few() == "2.5 (1 to 4)"
    assert "±" in interval([1.0, 2.0, 3.0, 4.0, 5.0]).text_of_few()
    assert interval([1.5]).text_of_few() == "1.5" and interval([float("nan")]).text_of_few() == "-"
    assert interval([1.0, float("nan"), 3.0]).text_of_few(1) == "2.0 (1.0 to 3.0)"


def test_a_worker_that_dies_while_it_starts_is_one_sentence(model, tmp_path, monkeypatch):
    """A process that is killed before it answers, as the system does where memory is short."""
    pytest.importorskip("distributed")
    pytest.importorskip("optuna")
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "if any('spawn_main' in each for each in sys.orig_argv):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = tmp_path / "rates.toml"
    path.write_text(tomli_w.dumps(tables(model, 0.1)))
    result = CliRunner().invoke(cli.app, ["sweep", str(path), "--workers", "1", "--out", str(tmp_path / "out")])
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert "the 1 worker processes could not be started: one ended before it answered" in line


def test_a_pool_that_cannot_start_says_so(monkeypatch):
    distributed = pytest.importorskip("distributed")
    pytest.importorskip("optuna")

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(distributed, "LocalCluster", refuse)
    with pytest.raises(EngineError, match="try fewer --workers"):
        pool.Pool(workers=2, say=lambda line: None)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"workers": 0}, "workers: got 0"),
        ({"workers": 200_000}, "workers: got 200000, expected at least 1 and at most 256"),
        ({"workers": 1.5}, "workers: got 1.5"),
        ({"workers": True}, "workers: got True"),
        ({"out": 5}, "out: got 5"),
    ],
)
def test_arguments_of_a_sweep_are_checked(model, tmp_path, settings, expected):
    with pytest.raises(ArgumentError) as caught:
        neurosim.sweep(tables(model, 0.1), **{"out": tmp_path / "out", **settings})
    assert expected in str(caught.value) and not Path(tmp_path / "out").exists()
