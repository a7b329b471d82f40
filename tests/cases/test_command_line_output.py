"""Output that cannot be written or encoded, and the messages and exit codes of commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from neurosim import registry
from neurosim.cli import app
from neurosim.errors import EngineError

COMMAND = [sys.executable, "-c", "from neurosim.cli import main; main()"]
SHORT = ["training.epochs=1", "engine.level=steady", "network.hidden=[4]", "training.measure_trials=4"]
FULL = Path("/dev/full")


def command(*arguments, **settings):
    environment = os.environ | settings.pop("env", {})
    settings.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], stderr=subprocess.PIPE, text=True, env=environment, **settings
    )


@pytest.fixture
def call():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


def test_a_run_goes_on_where_its_output_cannot_be_encoded(tmp_path):
    folder = tmp_path / "run"
    done = command("run", "lansdell2020/digits", *SHORT, "--out", folder, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "angle " in done.stdout and "?" in done.stdout and done.stdout.isascii()
    assert (folder / "summary.json").is_file()


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is Linux's")
@pytest.mark.slow
def test_a_run_goes_on_where_its_output_cannot_be_written(tmp_path):
    folder = tmp_path / "run"
    with FULL.open("w") as full:
        done = command("run", "lansdell2020/digits", *SHORT, "--out", folder, stdout=full)
    assert done.returncode == 0
    assert done.stderr == "neurosim: the output could not be written (No space left on device)\n"
    assert (folder / "summary.json").is_file()


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is Linux's")
@pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("check", "lansdell2020/digits")])
def test_output_that_is_all_there_is_has_to_be_written(arguments):
    with FULL.open("w") as full:
        done = command(*arguments, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "neurosim: the output could not be written (No space left on device)\n"


def test_who_closes_the_pipe_has_seen_enough():
    read, write = os.pipe()
    os.close(read)
    try:
        done = command("list", stdout=write)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_no_device_for_jax_is_a_sentence_and_leaves_no_folder(tmp_path):
    folder = tmp_path / "run"
    for platform in ("cuda", "nonsense"):
        done = command("run", "lansdell2020/digits", *SHORT, "--out", folder, env={"JAX_PLATFORMS": platform})
        assert done.returncode == 2
        assert f"JAX_PLATFORMS={platform}" in done.stderr and "set it to cpu" in done.stderr
        assert "Traceback" not in done.stderr
        assert not folder.exists()


def test_no_device_for_jax_is_ours_in_python():
    code = (
        "import neurosim\n"
        "leak = neurosim.NeuronModel('dv/dt = -v/(10*ms) : 1')\n"
        "try:\n    neurosim.simulate(leak, '5 ms', n=1)\n"
        "except neurosim.NeurosimError as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"JAX_PLATFORMS": "cuda"}
    )
    assert done.stdout.startswith("EngineError JAX_PLATFORMS=cuda"), done.stderr


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RecursionError("maximum recursion depth exceeded"), "neurosim itself failed (RecursionError"),
        (MemoryError(), "not enough memory"),
        (OSError(28, "No space left on device", "/x/y"), "/x/y: No space left on device"),
        (EngineError("said by us"), "neurosim: said by us"),
        (ZeroDivisionError("division by zero"), "neurosim itself failed (ZeroDivisionError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_happens_is_a_sentence(call, monkeypatch, error, sentence):
    names: dict = {"error": error}
    # In code of ours; what a user's own code raises is another matter.
    exec(compile("def fail(*_, **__): raise error", "<neurosim>", "exec"), names)
    monkeypatch.setattr(registry, "models", names["fail"])
    found = call("list", "models")
    assert found.exit_code == 2
    assert sentence in found.stderr
    assert "Traceback" not in found.output
    monkeypatch.setenv("NEUROSIM_TRACEBACK", "1")
    assert found.exit_code == 2 and call("list", "models").exception is error


def test_a_fault_in_a_plug_in_of_the_users_own_says_where(call, tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text('"""Broken."""\n\nraise ValueError("my fault")\n')
    monkeypatch.setattr(registry, "_registered", {})
    registry.register("tasks", tmp_path / "broken.py")
    found = call("check", "lansdell2020/digits", "task.kind=broken")
    assert found.exit_code == 2
    assert "my fault" in found.stderr and "broken.py" in found.stderr
    assert "Traceback" not in found.output


def test_answers_for_programs(call):
    listed = json.loads(call("list", "model", "--json").stdout)["models"]
    digits = next(entry for entry in listed if entry["name"] == "lansdell2020/digits")
    assert digits["description"] and any(entry["variants"] for entry in listed)
    checked = json.loads(call("check", "lansdell2020/digits", "network.hidden=[5]", "--json").stdout)
    assert checked["settings"]["network"]["hidden"] == [5]
    assert checked["circuit"]["populations"]["hidden1"] == 5
    assert checked["circuit"]["pathways"]["W1"]["shape"] == [5, 64]
    assert call("check", "lansdell2020/digits", "--quiet").output == ""


def test_names_are_never_cut(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    for kind in ("scheme", "models", "rules"):
        shown = call("list", kind).stdout
        names = registry.models() if kind == "models" else registry.names(kind.removesuffix("s") + "s")
        assert all(name in shown for name in names)


def test_flags_have_no_type_in_the_help(call):
    for arguments in (("--help",), ("-h",), ("run", "-h"), ("compare", "--help")):
        shown = call(*arguments)
        assert shown.exit_code == 0
        assert "<bool>" not in shown.stdout and "--help" in shown.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("run lansdell2020/dig", ["lansdell2020/digits", "lansdell2020/digits_fa"]),
        ("reproduce podl", ["podlaski2020"]),
        ("list sch", ["schemes"]),
        ("sw", ["sweep"]),
    ],
)
def test_a_shell_completes_names(typed, offered):
    words = f"neurosim {typed}"
    asked = {"_NEUROSIM_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    code = "import sys; sys.argv[0] = 'neurosim'; from neurosim.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked)
    assert done.stdout.split()[: len(offered)] == offered, done.stderr
