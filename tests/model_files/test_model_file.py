"""Model files: every fault has its key path; nothing is half understood; never a traceback."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim import registry
from neurosim.errors import ConfigError, DataError, NeurosimError, UnknownNameError
from neurosim.model_files.model_file import load

DIGITS = registry.model_path("lansdell2020/digits")
SIZED = SimpleNamespace(n_inputs=64, n_outputs=10)


@pytest.mark.parametrize("name", registry.models())
def test_shipped_models_fit_and_survive_a_round_trip(name):
    model = load(name)
    again = load(tomllib.loads(tomli_w.dumps(model.resolve())))
    assert again.hash == model.hash
    assert again.resolve() == model.resolve()
    assert model.about.title and model.about.reference
    assert model.circuit.output_population == "output"


def test_a_model_can_be_loaded_with_other_settings():
    model = load("lansdell2020/digits")
    assert load(model) == model
    other = load(
        model, ["training.epochs=3", "network.hidden=[5]", "scheme.duration=20 ms", 'scheme.topology="direct"']
    )
    assert other.training.epochs == 3
    assert other.resolve()["network"]["hidden"] == [5]
    assert other.resolve()["scheme"]["duration"] == "20 ms"
    assert other.hash != model.hash


def test_defaults_and_their_absence_are_the_same_model():
    short = load({"task": {"kind": "digits"}, "scheme": {"kind": "backpropagation"}})
    long = load(short.resolve())
    assert long == short and long.hash == short.hash


FAULTS = [
    ("scheme.learning_rat=1", "scheme.learning_rat: unknown key, got 1; did you mean 'learning_rate'?"),
    ("scheme.kind=node_pertubation", "scheme.kind: got 'node_pertubation'.*did you mean 'node_perturbation'?"),
    ("scheme.kind=../evil.py", "scheme.kind: got '../evil.py', expected a name"),
    ("task.kind=3", "task.kind: got 3, expected one of"),
    ("network.neuron.kind=leaky", "network.neuron.kind: got 'leaky'.*did you mean 'leaky_rate'"),
    ("network.neuron.tau_m=5 mV", "network.neuron.tau_m: .*wrong unit.*expected"),
    ("network.neuron.activation=__import__('os')", "network.neuron.activation: .*not"),
    ("network.readout=crossentropy", "network.readout: .*did you mean 'cross_entropy'"),
    ("network.hidden=[{channels=8,kernle=3}]", "network.hidden.0.kernle: unknown key, got 3; did you mean 'kernel'"),
    ('network.hidden=[{pool="average"}]', "1 fault\n  network.hidden.0.window: missing, expected a value"),
    ("network.hidden=[{channels=0,kernel=3}]", "network.hidden.0.channels: got 0, expected greater than 0"),
    ("network.hidden=[0]", "network.hidden.0: got 0, expected greater than 0"),
    ("network.hidden=[]", "network.hidden: got .*expected at least 1 item"),
    ("training.epochs=ten", "training.epochs: got 'ten', expected a valid integer"),
    ("training.epochs=true", "training.epochs: got true, expected a valid integer"),
    ('training.epochs="5"', "training.epochs: got '5', expected a valid integer"),
    ("scheme.learning_rate=nan", "scheme.learning_rate: got nan, expected a finite number"),
    ("scheme.duration=50", "scheme.duration: got 50, expected a quantity like '50 ms'"),
    ("scheme.duration=50 mm", "scheme.duration: .*wrong unit"),
    ("engine.dt=0 ms", "engine.dt: got '0 ms', expected a time from 1 ns"),
    ("engine.dt=1e-320 second", "engine.dt: .*expected a time from 1 ns"),
    (
        "engine.kind=brain",
        "engine.kind: got 'brain', expected a name .*: did you mean 'brian'",
    ),
    ("trainings.epochs=3", "trainings: unknown section; did you mean 'training'?"),
    ("model.title=3", "model.title: got 3, expected a valid string"),
]


@pytest.mark.parametrize(("override", "expected"), FAULTS)
def test_a_fault_names_key_got_and_expected(override, expected):
    with pytest.raises(ConfigError, match=expected):
        load("lansdell2020/digits", [override])


def test_all_faults_come_in_one_report():
    with pytest.raises(ConfigError) as caught:
        load("lansdell2020/digits", ["scheme.topolgy=direct", "training.epochs=0", "engine.dt=1 mV", "task.kind=digit"])
    report = str(caught.value)
    assert "4 faults" in report
    assert all(path in report for path in ("scheme.topolgy", "training.epochs", "engine.dt", "task.kind"))


def test_settings_that_do_not_go_together():
    with pytest.raises(ConfigError, match=r"engine: got level 'steady' with kind 'brian'"):
        load("lansdell2020/digits", ["engine.kind=brian", "engine.level=steady"])
    with pytest.raises(ConfigError, match="whole number of time steps"):
        load("lansdell2020/digits", ["engine.dt=3 ms"]).build(SIZED)
    with pytest.raises(ConfigError, match="no drive"):
        load(
            {
                "task": {"kind": "digits"},
                "scheme": {"kind": "backpropagation"},
                "network": {"neuron": {"kind": "constant"}},
            }
        )


@pytest.mark.parametrize("override", ["epochs=3", "training.epochs", "=3", "a..b=1", "training.epochs.x=3"])
def test_overrides_that_are_none(override):
    with pytest.raises(ConfigError):
        load("lansdell2020/digits", [override])


def test_files_that_are_no_model(tmp_path: Path):
    path = tmp_path / "m.toml"
    with pytest.raises(DataError, match="no such file"):
        load(path)
    with pytest.raises(DataError, match="no such file"):
        load(tmp_path)
    with pytest.raises(UnknownNameError, match="did you mean 'lansdell2020/digits'"):
        load("lansdell2020/digit")
    path.write_text("[model\n")
    with pytest.raises(ConfigError, match=r"no valid TOML.*line 1"):
        load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(path)
    path.write_text("a = " + "[" * 50_000)
    with pytest.raises(ConfigError):
        load(path)
    path.write_text("a = " + "9" * 10_000)
    with pytest.raises(ConfigError):
        load(path)
    path.write_bytes(b"#" * (1 << 21))
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load(path)
    path.write_text("task = 3\nscheme = []\nnetwork = 1\n")
    with pytest.raises(ConfigError, match=r"task: got 3, expected a table"):
        load(path)


JUNK = st.one_of(
    st.none().map(lambda _: ""),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["5 ms", "-5 ms", "5 mV", "1e400 ms", "direct", "../x.py", "v", "leaky_rate", "spiking", "brian"]),
    st.lists(st.integers(-2, 10**9), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(DIGITS.read_text())
    for _ in range(draw(st.integers(1, 3))):
        inner: dict[str, Any] = table
        while True:
            key = draw(st.sampled_from(sorted(inner))) if inner else ""
            if isinstance(inner.get(key), dict) and draw(st.booleans() | st.just(True)):
                inner = inner[key]
                continue
            break
        action = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
        if action in ("remove", "rename"):
            value = inner.pop(key, None)
            if action == "rename":
                inner[draw(st.text(max_size=8))] = value if value is not None else 0
        else:
            inner[key if action == "replace" else draw(st.text(max_size=8))] = draw(JUNK)
    return table


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(table=mutated())
def test_mutated_models_are_refused_with_their_keys_or_fit(table):
    _refused_or_fits(table)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_mutated_text_is_refused_or_fits(data, tmp_path_factory):
    text = bytearray(DIGITS.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(text) - 1))
        text[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    path.write_bytes(bytes(text))
    _refused_or_fits(path)


@pytest.mark.parametrize("key", ["\n", "", " ", "a\nb", "\x1b[31m"])
def test_keys_that_cannot_be_printed_are_quoted(key: str) -> None:
    table = tomllib.loads(DIGITS.read_text()) | {key: 1}
    with pytest.raises(ConfigError) as refusal:
        load(table)
    assert str(refusal.value).splitlines()[1].startswith(f"  {key!r}: unknown section")


def _refused_or_fits(source: Any) -> None:
    try:
        model = load(source)
        assert load(model.resolve()).hash == model.hash
    except NeurosimError as error:
        report = str(error)
        assert "fault" in report or "TOML" in report or "UTF-8" in report
        if "fault" in report:
            lines = [line for line in report.split("\n")[1:] if line.startswith("  ")]
            assert lines and all(": " in line for line in lines[:1])
