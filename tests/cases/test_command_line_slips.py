"""Mistakes on the command line: a sentence, exit code 2, and no heavy import before it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

MODEL = 'task = {kind = "digits"}\nnetwork = {hidden = [6]}\nscheme = {kind = "node_perturbation"}\n'
SWEEP = '[sweep]\nmodel = "lansdell2020/digits"\n[grid]\n"training.epoch" = [1, 2]\n'
# All in one process, which has to be a new one: what a slip would import stays, and would be seen after the next.
CODE = """
import json, sys
from typer.testing import CliRunner
from neurosim.cli import app
HEAVY = ("brian2", "sympy", "scipy", "jax", "pandas", "xarray", "zarr", "sklearn", "matplotlib", "optax", "numba")
found = []
for arguments in json.load(sys.stdin):
    result = CliRunner().invoke(app, arguments)
    heavy = [name for name in HEAVY if sys.modules.get(name)]
    found.append([result.exit_code, result.stdout, result.stderr, heavy])
json.dump(found, sys.__stdout__)
"""


def answers(commands, folder=None):
    """Exit code, output, errors, and what was imported by then, of commands in one new process."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        input=json.dumps([list(map(str, each)) for each in commands]),
        capture_output=True,
        text=True,
        cwd=folder,
        check=True,
    )
    return json.loads(done.stdout)


DIGITS = "lansdell2020/digits"
SLIPS = {
    "a key of [training]": (("run", DIGITS, "training.epoch=3"), "did you mean 'epochs'"),
    "a key of [network]": (("run", DIGITS, "network.hiden=[3]"), "did you mean 'hidden'"),
    "a key of a neuron": (("check", DIGITS, "network.neuron.tau=1"), "network.neuron.tau: unknown key"),
    "a key of a scheme": (("check", DIGITS, "scheme.gama=1"), "did you mean 'gamma'"),
    "a key of a task": (("check", DIGITS, "task.clases=3"), "task.clases: unknown key"),
    "a key of [engine]": (("run", DIGITS, "engine.levl=rate"), "did you mean 'level'"),
    "a key of a probe": (("check", "kunin2020/stability", "probe.x=1"), "probe.x: unknown key"),
    "a key of [training.record]": (("run", DIGITS, "training.record.evry=1"), "training.record"),
    "a section": (("run", DIGITS, "trainin.epochs=3"), "did you mean 'training'"),
    "a type": (("run", DIGITS, 'training.epochs="three"'), "training.epochs: got 'three'"),
    "a range": (("run", DIGITS, "training.epochs=-3"), "training.epochs: got -3"),
    "a unit": (("run", DIGITS, "engine.dt=1 mV"), "expected a quantity in second"),
    "an unknown unit": (("run", DIGITS, "network.neuron.tau_m=10 msec"), "unknown unit 'msec'"),
    "a plain number": (("run", DIGITS, "scheme.duration=50"), "expected a quantity like '50 ms'"),
    "a kind of scheme": (("run", DIGITS, "scheme.kind=backprop"), "scheme.kind: got 'backprop'"),
    "a kind of neuron": (("run", DIGITS, "network.neuron.kind=liff"), "did you mean 'lif'"),
    "no override": (("run", DIGITS, "epochs=3"), "expected section.key=value"),
    "a value below a value": (("run", DIGITS, "task.kind.x=3"), "which has no 'x'"),
    "a model": (("run", "lansdell2020/digitz"), "did you mean 'lansdell2020/digits'"),
    "a model without its folder": (("run", "digits"), "did you mean 'lansdell2020/digits'"),
    "a file": (("run", "nowhere.toml"), "there is no such file"),
    "a variant": (("run", f"{DIGITS}+deep"), "unknown variant"),
    "a model to compare": (("compare", DIGITS, "lansdell2020/digitz"), "did you mean 'lansdell2020/digits'"),
    "a folder of models": (("reproduce", "lansdel2020"), "did you mean 'lansdell2020'"),
    "a kind to list": (("list", "schemos"), "did you mean 'schemes'"),
    "a negative seed": (("run", DIGITS, "--seed", "-1"), "--seed"),
    "no seeds": (("compare", DIGITS, "--seeds", "0"), "--seeds"),
    "a folder that is no run": (("plot", "nowhere"), "there is no such folder"),
    "no run to predict with": (("predict", "nowhere", "rows.csv"), "there is no such folder"),
    "no run to export": (("export", "nowhere", "--to", "csv"), "there is no such folder"),
    "a run to go on with that is not named": (("run", DIGITS, "--resume"), "expected the one to continue in: --out"),
    "a probe to compare": (("compare", "kunin2020/stability"), "measures with a probe"),
    "a published split": (("compare", "lansdell2020/mnist", "--resample"), "its test split is the publisher's"),
    "a reference": (("compare", DIGITS, "--reference", "digitz"), "expected one of the models; did you mean 'digits'"),
    "a search by the test": (
        ("compare", DIGITS, *("--set", "tune.metric=test_loss"), *("--set", "tune.trials=3")),
        "tune.metric: got 'test_loss', expected validation_accuracy or validation_loss",
    ),
    "a search beyond a bound": (
        ("compare", DIGITS, *("--set", "tune.scheme.learning_rate=[0.1, -1.0]"), *("--set", "tune.trials=3")),
        "tune.scheme.learning_rate: got -1.0, expected greater than 0",
    ),
    "data": (
        ("run", DIGITS, "task.kind=table", "task.path=rows.csv", "task.target=y"),
        "rows.csv: cannot be read (No such file",
    ),
    "a NUL character": (
        ("check", DIGITS, "task.kind=table", 'task.path="a\u0000b"', "task.target=y"),
        "task.path: got",
    ),
    "a long name": (("check", "a" * 5000), "unknown model"),
    "a long file": (("check", "a" * 5000 + ".toml"), "there is no such file"),
    "a deep key": (("check", DIGITS, "a" + ".a" * 1200 + "=3"), "a key of 1201 parts, expected at most 32"),
    "a deep value": (("check", DIGITS, "task.x=" + "[" * 1200 + "]" * 1200), "nested too deeply"),
    "deep tables": (("check", DIGITS, "task.x=" + "{a=" * 1200 + "1" + "}" * 1200), "nested too deeply"),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slips")
    found = answers([arguments for arguments, _ in SLIPS.values()], folder)
    assert list(folder.iterdir()) == [], "a slip leaves nothing behind"
    return dict(zip(SLIPS, found, strict=True))


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_a_sentence_before_anything_heavy_is_imported(name, said):
    code, out, err, heavy = said[name]
    assert SLIPS[name][1] in " ".join(err.split())
    assert (code, out, heavy) == (2, "", [])
    assert "Traceback" not in err


def test_faults_of_all_sections_come_together():
    slips = ("training.epoch=3", "engine.dt=1 mV", "scheme.gama=1", "task.x=1")
    [[code, _, err, heavy]] = answers([("run", DIGITS, *slips)])
    assert (code, heavy) == (2, [])
    for key in ("training.epoch", "engine.dt", "scheme.gama", "task.x"):
        assert f"  {key}: " in err
    assert "4 faults" in err


def test_a_slip_in_a_file_and_in_a_sweep_is_as_quick(tmp_path):
    (tmp_path / "m.toml").write_text(MODEL + "trainig = {}\n")
    (tmp_path / "s.toml").write_text(SWEEP)
    for code, _, err, heavy in answers([("check", "m.toml"), ("run", "m.toml"), ("sweep", "s.toml")], tmp_path):
        assert (code, heavy) == (2, [])
        assert "did you mean 'training'" in err or "did you mean 'epochs'" in err


def test_what_is_there_already_or_lacks_something_is_said_as_quickly(tmp_path):
    (tmp_path / "rows.csv").write_text("a,y\n1,2\n")
    (tmp_path / "m.toml").write_text(
        'task = {kind = "table", path = "rows.csv", target = "z"}\nscheme = {kind = "backpropagation"}\n'
    )
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "summary.json").write_text("{}")
    commands = {
        ("run", DIGITS, "--out", "run"): "exists already and is not empty",
        ("run", DIGITS, "--out", "rows.csv"): "exists already",
        ("run", "m.toml"): "task.target: got z, expected columns of",
        ("check", "m.toml"): "task.target: got z, expected columns of",
        ("compare", "m.toml", "--out", "rows.csv"): "holds no folder but a file",
        ("sweep", "m.toml", "--out", "rows.csv"): "holds no folder but a file",
        ("plot", "rows.csv"): "no finished run and no recording here",
        ("predict", "run", "nowhere.csv"): "there is no such file",
        ("predict", "run", "rows.csv", "--out", "rows.csv"): "exists already",
        ("predict", "run", "rows.csv", "--out", "p.npz"): "expected .csv, which predictions are written as",
        ("export", "run", "--to", "npz", "--out", "rows.csv"): "exists already",
        ("export", "run", "--to", "pdf"): "unknown format 'pdf'",
    }
    for expected, (code, out, err, heavy) in zip(commands.values(), answers(commands, tmp_path), strict=True):
        assert expected in " ".join(err.split())
        assert (code, out, heavy) == (2, "", [])


def test_what_only_shows_something_imports_nothing_heavy():
    for code, out, err, heavy in answers(
        [("--version",), ("-h",), ("run", "-h"), ("list",), ("list", "scheme", "--json")]
    ):
        assert (code, err, heavy) == (0, "", [])
        assert out


def test_equations_are_reported_though_last():
    [[code, _, err, _]] = answers([("check", DIGITS, "network.neuron.activation=(v")])
    assert code == 2
    assert "network.neuron.activation: line 1, column 1" in err
