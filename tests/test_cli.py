"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tomli_w
from typer.testing import CliRunner

from neurosim import cli, registry

SHORT = ["training.epochs=1", "engine.level=steady", "network.hidden=[6]", "training.measure_trials=8"]


@pytest.fixture
def call():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(cli.app, [str(argument) for argument in arguments])


def test_run_writes_a_folder_and_shows_a_table(call, tmp_path):
    result = call("run", "lansdell2020/digits", *SHORT, "--seed", 2, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "epoch 1/1" in result.output
    assert "hidden1" in result.output and "test accuracy" in result.output
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["seed"] == 2
    (tmp_path / "run" / "figures" / "alignment.png").unlink()
    again = call("plot", tmp_path / "run")
    assert again.exit_code == 0
    for name in ("alignment", "learning_curve", "circuit", "feedback_weights"):
        assert (tmp_path / "run" / "figures" / f"{name}.png").is_file()
    exported = call("export", tmp_path / "run", "--to", "csv")
    assert exported.exit_code == 0, exported.output
    header = (tmp_path / "run-csv" / "epoch.csv").read_text().partition("\n")[0].split(",")
    assert header[0] == "epoch" and {"train_loss", "validation_accuracy"} <= set(header)
    assert call("export", tmp_path / "run", "--to", "npz").exit_code == 0
    assert "W1.w" in np.load(tmp_path / "run.npz").files
    nothing = call("export", tmp_path / "run", "--to", "nwb")
    assert nothing.exit_code == 2 and "this run holds no recording" in nothing.stderr
    refused = call("run", "lansdell2020/digits", *SHORT, "--out", tmp_path / "run")
    assert refused.exit_code == 2 and "not empty" in refused.stderr


def test_check_prints_settings_and_equations(call):
    result = call("check", "lansdell2020/digits", "training.epochs=3")
    assert result.exit_code == 0
    assert "epochs = 3" in result.stdout
    assert "dv/dt = (drive - v)/tau_m" in result.stdout
    assert "B1" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "lansdell2020/digits", "training.epoch=3"), "did you mean 'epochs'"),
        (
            ("check", "lansdell2020/digits", "network.neuron.kind=leaky_rate", "network.neuron.activation=(v/tau"),
            "network.neuron.activation: line 1, column 1: cannot be read as an expression ('(' was never closed)",
        ),
        (("check", "nowhere.toml"), "no such file"),
        (("run", "lansdell2020/digitz"), "did you mean 'lansdell2020/digits'"),
        (("list", "schem"), "unknown kind 'schem': did you mean 'schemes'"),
        (("plot", "nowhere"), "there is no such folder"),
        (("export", "nowhere", "--to", "csv"), "there is no such folder"),
        (("export", ".", "--to", "hdf"), "unknown format 'hdf', expected one of nwb, neo, csv, npz"),
        (("frobnicate",), "No such command"),
        (("run", "lansdell2020/digits", "--seed", "x"), "--seed"),
    ],
)
def test_what_is_refused_is_a_message_on_stderr_and_exit_code_2(call, arguments, message):
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


VARIED = {
    "model": {"title": "Small"},
    "task": {"kind": "digits"},
    "network": {"hidden": [6]},
    "scheme": {"kind": "node_perturbation"},
    "engine": {"level": "steady"},
    "training": {"epochs": 2, "measure_trials": 8},
    "variants": {"short": {"title": "one epoch", "training": {"epochs": 1}}},
}


@pytest.fixture
def varied(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(tomli_w.dumps(VARIED))
    return path


def test_checking_a_model_needs_no_data(call, monkeypatch, tmp_path):
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path))
    assert "784" in call("check", "lansdell2020/mnist").stdout
    assert call("check", "lansdell2020/autoencoder").exit_code == 0


def test_variants_are_run_checked_and_listed(call, varied, tmp_path, monkeypatch):
    result = call("run", varied, "--variant", "short", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "small+short: " in result.stdout and "epoch 1/1" in result.stdout
    checked = call("check", f"{varied}+short")
    assert checked.exit_code == 0
    assert "epochs = 1\n" in checked.stdout and "# variant short: one epoch" in checked.stdout
    unknown = call("check", varied, "--variant", "shrt")
    assert unknown.exit_code == 2 and "did you mean 'short'" in unknown.stderr
    monkeypatch.setattr(registry, "models", lambda: ["small"])
    monkeypatch.setattr(registry, "model_path", lambda name: varied)
    listed = [line.split() for line in call("list", "models").stdout.splitlines()]
    assert ["small", "Small"] in listed and ["+short", "one", "epoch"] in listed


def test_check_refuses_a_variant_that_does_not_fit_though_it_is_not_applied(call, varied):
    varied.write_text(tomli_w.dumps(VARIED | {"variants": {"odd": {"training": {"epoch": 3}}}}))
    refused = call("check", varied)
    assert refused.exit_code == 2 and "small+odd" in refused.stderr and "did you mean 'epochs'" in refused.stderr


def test_list_shows_every_variant_with_its_description(call):
    result = call("list")
    assert result.exit_code == 0
    for kind in registry.kinds:
        assert all(name in result.stdout for name in registry.names(kind))
    only = call("list", "schemes")
    assert "node_perturbation" in only.stdout and "hodgkin_huxley" not in only.stdout


def test_an_interrupt_leaves_with_130(call, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "names", interrupted)
    assert call("list", "schemes").exit_code == 130


def _process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from neurosim.cli import main; main()", *arguments], capture_output=True, text=True
    )


def test_exit_codes_of_the_process():
    refused = _process("check", "lansdell2020/digits", "engine.dt=1 mV")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "engine.dt" in refused.stderr and "Traceback" not in refused.stderr


def test_checking_models_does_not_import_jax():
    code = (
        "import sys; from typer.testing import CliRunner; from neurosim import cli, registry\n"
        "from neurosim.model_files.model_file import load, load_variants\n"
        "assert CliRunner().invoke(cli.app, ['check', 'lansdell2020/digits']).exit_code == 0\n"
        "for name in registry.models(): load(name), load_variants(name)\n"
        "print([name for name in ('jax', 'xarray') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_help_is_quick_because_nothing_heavy_is_imported():
    heavy = "('jax', 'brian2', 'sympy', 'xarray')"
    code = f"import sys; from neurosim import cli; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    assert _process("--help").returncode == 0
