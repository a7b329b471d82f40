"""Sweeps on a cluster inside this process: results, reused and failed runs, and continued searches."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
import xarray

import neurosim
from neurosim.errors import ArgumentError, ConfigError
from neurosim.installation import how_to_install
from neurosim.runs.run import train
from neurosim.studies.collection import Attempt, finished
from neurosim.studies.sweeps import driver, pool, work
from neurosim.studies.sweeps.crew import Crew, Quiet
from neurosim.studies.sweeps.driver import LOCK, carry_out
from neurosim.studies.sweeps.plan import read_plan
from neurosim.studies.sweeps.search import Study

# The tiny model leaves its neurons as they are, and settings of a neuron need its kind.
_NEURON = "network.neuron.kind=leaky_rate"
_MAIN = "from neurosim.cli import main; main()"


@pytest.fixture(scope="module")
def client():
    """A worker in a thread of this process."""
    distributed = pytest.importorskip("distributed")
    pytest.importorskip("optuna")
    settings: dict[str, Any] = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.Client(processes=False, set_as_default=False, **settings) as found:
        yield found


@pytest.fixture(scope="module")
def tiny(tiny_folder) -> str:
    return str(tiny_folder() / "tiny.toml")


class Noting(Quiet):
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.done: list[tuple[str, bool, str]] = []
        self.reports: list[tuple[str, float]] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def going(self, key: str, label: str, done: float, text: str) -> None:
        self.reports.append((label, done))

    def ended(self, key: str, label: str, attempt: Attempt, seconds: float) -> None:
        self.done.append((label, seconds > 0, attempt.message))


def test_a_grid_is_one_labelled_dataset_and_is_never_run_again(client, tiny, tmp_path):
    tables = {
        "sweep": {"model": tiny, "overrides": [_NEURON], "seeds": [1], "direction": "maximize", "title": "Rates"},
        "grid": {"scheme.learning_rate": [0.1, 0.4], "network.neuron.tau_m": ["10 ms", "20 ms"]},
    }
    noting = Noting()
    found = neurosim.sweep(tables, scheduler=client, out=tmp_path, progress=noting)
    assert found.metric.dims == ("scheme.learning_rate", "network.neuron.tau_m", "seed")
    assert found.metric.shape == (2, 2, 1)
    assert list(found["network.neuron.tau_m"].values) == [0.01, 0.02]
    assert found["network.neuron.tau_m"].attrs["units"] == "second"
    assert (found.status == "finished").all()
    assert {"test_accuracy", "validation_loss", "signal_angle_deg", "wall_s"} <= set(found)
    assert found.signal_angle_deg.sel(layer="hidden1").notnull().all()
    assert len(noting.done) == 4 and all(was_run for _, was_run, _ in noting.done)
    assert noting.reports and max(done for _, done in noting.reports) == 1.0
    # A number stands where its run belongs: trained apart from any sweep it is the same.
    settings = [_NEURON, "scheme.learning_rate=0.4", "network.neuron.tau_m=20 ms"]
    alone = train(tiny, seed=1, overrides=settings, out=tmp_path / "alone")
    cell = found.sel({"scheme.learning_rate": 0.4, "network.neuron.tau_m": 0.02, "seed": 1})
    assert float(cell.test_loss) == alone.summary["test_loss"]
    assert float(cell.metric) == float(alone.history.validation_accuracy[-1])
    for name in ("results.zarr", "results.csv", "sweep.png", "sweep.toml"):
        assert (tmp_path / name).exists()
    stored = xarray.open_zarr(tmp_path / "results.zarr").load()
    xarray.testing.assert_identical(stored.metric, found.metric)
    rows = (tmp_path / "results.csv").read_text().splitlines()
    assert len(rows) == 5 and rows[1].startswith("0,0.1,10 ms,1,finished,")

    # The same words again, then a wider grid, whose file is the one that the sweep wrote.
    noting = Noting()
    again = neurosim.sweep(tmp_path / "sweep.toml", scheduler=client, out=tmp_path, progress=noting)
    assert len(noting.done) == 4 and not any(was_run for _, was_run, _ in noting.done)
    assert (found.run_s > 0).all() and (again.run_s == 0).all()
    xarray.testing.assert_identical(
        again.drop_vars("run_s").drop_attrs(deep=False), found.drop_vars("run_s").drop_attrs(deep=False)
    )
    tables["grid"]["scheme.learning_rate"].append(0.8)
    noting = Noting()
    wider = neurosim.sweep(tables, scheduler=client, out=tmp_path, progress=noting)
    assert sum(was_run for _, was_run, _ in noting.done) == 2
    xarray.testing.assert_identical(wider.metric.isel({"scheme.learning_rate": slice(2)}), found.metric)


def test_a_seed_is_run_for_all_configurations_before_the_next(tiny, tmp_path, monkeypatch):
    wanted = []

    class Idle(Crew):
        """Notes what it is asked for, and does nothing."""

        def want(self, configuration, seed):
            wanted.append((configuration.values["scheme.learning_rate"], seed))

    monkeypatch.setattr(driver, "Crew", Idle)
    tables = {"sweep": {"model": tiny, "seeds": [1, 2]}, "grid": {"scheme.learning_rate": [0.1, 0.4]}}
    carry_out(read_plan(tables), workers=1, out=tmp_path)
    assert wanted == [(0.1, 1), (0.4, 1), (0.1, 2), (0.4, 2)]


def test_what_fails_leaves_the_others_alone(client, tiny, tmp_path, monkeypatch):
    real = work.load

    def broken(sections, *args):
        if sections["scheme"]["learning_rate"] == 0.3:
            raise RuntimeError("no such luck")
        return real(sections, *args)

    monkeypatch.setattr(work, "load", broken)
    tables = {
        "sweep": {"model": tiny, "metric": "validation_loss"},
        "list": [{"scheme.learning_rate": 0.3}, {"variant": "diverging"}, {"scheme.learning_rate": 0.2}],
    }
    outcome = carry_out(read_plan(tables), scheduler=client, out=tmp_path)
    found = outcome.results
    assert found.metric.dims == ("run", "seed")
    assert list(found.status.values[:, 0]) == ["failed", "diverged", "finished"]
    assert "RuntimeError: no such luck" in str(found.message.values[0, 0])
    assert math.isfinite(found.metric[2, 0]) and np.isnan(found.metric[:2, 0]).all()
    assert np.isnan(found["scheme.learning_rate"].values[1])
    assert outcome.failed
    monkeypatch.undo()
    # Only what failed is run again.
    noting = Noting()
    outcome = carry_out(read_plan(tables), scheduler=client, out=tmp_path, progress=noting)
    assert [was_run for _, was_run, _ in noting.done].count(False) == 1
    assert not outcome.failed


def test_one_run_serves_all_configurations_that_are_the_same(client, tiny, tmp_path):
    tables = {"sweep": {"model": tiny}, "list": [{"scheme.learning_rate": 0.2}, {"training.epochs": 1}]}
    noting = Noting()
    found = neurosim.sweep(tables, scheduler=client, out=tmp_path, progress=noting)
    assert len(noting.done) == 1
    assert float(found.metric[0, 0]) == float(found.metric[1, 0])


def searched(tiny: str, trials: int) -> dict[str, Any]:
    return {
        "sweep": {"model": tiny, "metric": "validation_loss", "direction": "minimize"},
        "search": {
            "trials": trials,
            "startup": 2,
            "scheme.learning_rate": {"low": 0.01, "high": 2.0, "log": True},
            "network.hidden": [[4], [6]],
        },
    }


@pytest.mark.slow
def test_a_second_sweep_in_the_folder_is_refused_and_names_the_first(client, tiny, tmp_path):
    tables = {"sweep": {"model": tiny}, "grid": {"scheme.learning_rate": [0.1]}}
    path, folder, seen = tmp_path / "second.toml", tmp_path / "out", []
    path.write_text(tomli_w.dumps(tables))
    folder.mkdir()
    # Of a process that died: nobody holds it any more.
    (folder / LOCK).write_text(json.dumps({"pid": 1, "host": "gone", "since": ""}))

    class Second(Noting):
        def begin(self, total: int) -> None:
            command = [sys.executable, "-c", _MAIN, "sweep", str(path), "--out", str(folder)]
            seen.append(sorted(each.name for each in folder.iterdir()))
            done = subprocess.run(command, capture_output=True, text=True)
            seen.append(sorted(each.name for each in folder.iterdir()))
            assert done.returncode == 2
            assert f"{folder} is in use by process {os.getpid()} on host '{platform.node()}'" in done.stderr

    found = neurosim.sweep(tables, scheduler=client, out=folder, progress=Second())
    assert (found.status == "finished").all() and len(seen) == 2
    assert seen[0] == seen[1] and LOCK in seen[0]
    assert not (folder / LOCK).exists()


# The first two are drawn at random, those that follow by what came of them.
@pytest.mark.parametrize(("begun", "trials"), [(2, 3), pytest.param(3, 5, marks=pytest.mark.slow)])
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not(client, tiny, tmp_path, begun, trials):
    whole = neurosim.sweep(searched(tiny, trials), scheduler=client, out=tmp_path / "whole")
    assert whole.sizes["run"] == trials and (whole.status == "finished").all()
    neurosim.sweep(searched(tiny, begun), scheduler=client, out=tmp_path / "parts")
    noting = Noting()
    parts = neurosim.sweep(searched(tiny, trials), scheduler=client, out=tmp_path / "parts", progress=noting)
    assert len(noting.done) == trials - begun
    for name in ("metric", "scheme.learning_rate", "network.hidden"):
        xarray.testing.assert_equal(whole[name], parts[name])
    # The journal is plain text, a JSON object a line.
    for line in (tmp_path / "parts" / "search.journal").read_text().splitlines():
        json.loads(line)


def test_a_search_keeps_away_from_what_diverges(tiny, tmp_path):
    pytest.importorskip("optuna")
    tables = searched(tiny, 60)
    study = Study(read_plan(tables), tmp_path)
    for _ in range(40):
        number, values = study.ask()
        # All that is above a rate of 0.2 diverges; the best is 0.1.
        rate = values["scheme.learning_rate"]
        study.tell(number, math.nan if rate > 0.2 else (math.log(rate) - math.log(0.1)) ** 2, "it diverged")
    rates = [values["scheme.learning_rate"] for values in study.trials.values()]
    # A random search has 43 % above 0.2, and 26 % within a factor of two of the best.
    assert np.mean([rate > 0.2 for rate in rates[20:]]) < 0.35
    assert np.mean([0.05 < rate < 0.2 for rate in rates[20:]]) > 0.45
    assert set(study.messages.values()) == {"it diverged"}


def test_a_trial_that_was_cut_off_comes_first(tiny, tmp_path):
    pytest.importorskip("optuna")
    first = Study(read_plan(searched(tiny, 4)), tmp_path)
    number, values = first.ask()
    again = Study(read_plan(searched(tiny, 4)), tmp_path)
    assert again.unfinished == [number] and again.trials[number] == values and again.more == 3
    # Another question is another study.
    other = searched(tiny, 4)
    other["search"]["network.hidden"] = [[4], [8]]
    assert Study(read_plan(other), tmp_path).trials == {}


def test_a_worker_refuses_what_it_would_do_differently(tiny, tmp_path):
    model = neurosim.load(tiny)
    order = work.order_for(model, 0, tmp_path, "topic")
    changed = {**order.__dict__, "version": "0.0.0"}
    assert "install the same version" in work.work(work.Order(**changed))["message"]
    changed = {**order.__dict__, "config_hash": "0" * 16}
    assert "reads this model differently" in work.work(work.Order(**changed))["message"]
    assert not list(tmp_path.iterdir())


def test_a_finished_run_is_found_by_the_worker_too(tiny, tmp_path):
    order = work.order_for(neurosim.load(tiny), 0, tmp_path, "topic")
    assert not work.work(order)["reused"]
    assert finished(neurosim.load(tiny), 0, tmp_path) is not None
    assert work.work(order)["reused"]


def test_components_of_ones_own_travel_to_the_workers(client, tiny, tmp_path, monkeypatch):
    source = Path(neurosim.__file__).parent / "schemes" / "feedback_alignment.py"
    (tmp_path / "my_scheme.py").write_text(source.read_text())
    monkeypatch.setattr("neurosim.registry._registered", {})
    neurosim.register("schemes", tmp_path / "my_scheme.py")
    order = work.order_for(neurosim.load(tiny), 0, tmp_path, "topic")
    assert order.registered == (("schemes", str(tmp_path / "my_scheme.py")),)
    tables = {"sweep": {"model": tiny}, "list": [{"scheme": {"kind": "my_scheme", "learning_rate": 0.1}}]}
    found = neurosim.sweep(tables, scheduler=client, out=tmp_path / "out")
    assert found.status.values.tolist() == [["finished"]]


def test_an_address_where_nobody_answers(tiny, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(pool, "CONNECT", "1 s")
    tables = {"sweep": {"model": tiny}, "grid": {"scheme.learning_rate": [0.1]}}
    with pytest.raises(ConfigError, match=r"--scheduler: nobody answers at tcp://127\.0\.0\.1:9"):
        neurosim.sweep(tables, scheduler="tcp://127.0.0.1:9", out=tmp_path)
    with pytest.raises(ArgumentError, match="workers: got 0"):
        neurosim.sweep(tables, workers=0, out=tmp_path)


def test_without_dask_the_command_that_installs_it_is_named(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    (tmp_path / "s.toml").write_text(tomli_w.dumps({"sweep": {"model": tiny}, "grid": {"scheme.learning_rate": [0.1]}}))
    with pytest.raises(ConfigError, match=re.escape(how_to_install("sweep"))):
        neurosim.sweep(tmp_path / "s.toml", out=tmp_path)
