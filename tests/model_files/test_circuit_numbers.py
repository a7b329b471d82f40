"""Numbers of simulated circuits: counted by hand, refused with their key, and rows of expected.toml."""

from __future__ import annotations

import json
import math
import tomllib

import pytest
import tomli_w
from typer.testing import CliRunner

from neurosim.cli import app
from neurosim.errors import ConfigError
from neurosim.model_files.circuits.circuit_file import load_circuit
from neurosim.studies.expected import load_expected
from neurosim.studies.reproduce import reproduce

# Neuron 0 fires at the end of every 10 ms, neuron 1 of every 20 ms.
TEXT = """
[populations.P]
size = 2
equations = "dx/dt = rate : 1\\nrate : hertz"
threshold = "x > 0.999999"
reset = "x = 0"
parameters = { rate = ["100 Hz", "50 Hz"] }
method = "euler"

[simulation]
duration = "200 ms"
dt = "1 ms"
record = ["P.spikes", "P.x", "P.x[1:]"]

[numbers]
rate = { metric = "mean_rate", of = "P.spikes" }
late = { metric = "mean_rate", of = "P.spikes", from = "100 ms", to = "150 ms" }
cv = { metric = "interval_cv", of = "P.spikes" }
high = { metric = "share_between", of = "P.x", low = 0.44 }
mean = { metric = "mean_value", of = "P.x[1:]" }
"""


def with_rates(text: str) -> dict:
    table = tomllib.loads(text)
    table["populations"]["P"]["parameters"]["rate"] = {"values": [100, 50], "unit": "Hz"}
    return table


def test_numbers_are_those_counted_by_hand():
    file = load_circuit(with_rates(TEXT))
    found = file.measure(file.simulate())
    assert found["rate"] == pytest.approx(75)
    assert found["late"] == pytest.approx(70)  # five spikes, and two at 119 and 139 ms
    assert found["cv"] == pytest.approx(0, abs=1e-12)
    assert found["high"] == pytest.approx((5 / 10 + 11 / 20) / 2)
    assert found["mean"] == pytest.approx(0.475)
    assert math.isnan(file.measure(file.simulate(duration="100 ms"))["late"])


@pytest.mark.parametrize(
    ("change", "key", "said"),
    [
        ({"metric": "mean_ratw", "of": "P.spikes"}, "metric", "did you mean 'mean_rate'"),
        ({"metric": "angle", "of": "P.spikes"}, "metric", "expected one of a recording: active_share"),
        ({"metric": "mean_rate"}, "of", "expected what is recorded"),
        ({"metric": "mean_rate", "of": "P.x"}, "of", "measures spikes"),
        ({"metric": "mean_value", "of": "P.spikes"}, "of", "measures a variable"),
        ({"metric": "mean_value", "of": "P.rate"}, "of", "not recorded: add it to simulation.record"),
        ({"metric": "mean_rate", "of": "P.spikes", "form": "1 ms"}, "form", "did you mean 'from'"),
        ({"metric": "synchrony", "of": "P.spikes", "bin": "1 mV"}, "bin", "expected a quantity in second"),
        ({"metric": "mean_rate", "of": "P.spikes", "from": "3 ms", "to": "2 ms"}, "from", "the end of the window"),
    ],
)
def test_a_number_that_cannot_be_measured_is_refused_with_its_key(change, key, said):
    table = with_rates(TEXT)
    table["numbers"] = {"one": change}
    with pytest.raises(ConfigError) as refused:
        load_circuit(table)
    assert [fault[0] for fault in refused.value.faults] == [f"numbers.one.{key}"]
    assert said in str(refused.value)


def test_numbers_are_printed_and_are_rows(tmp_path, monkeypatch):
    (tmp_path / "clock.toml").write_text(tomli_w.dumps(with_rates(TEXT)))
    found = CliRunner().invoke(app, ["simulate", str(tmp_path / "clock.toml"), "--json"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["numbers"]["rate"] == pytest.approx(75)
    row = {"fact": "It fires.", "model": "clock", "seeds": [0, 1], "source": "derived", "name": "numbers.rate"}
    rows = [row | {"value": 75.0, "tolerance": 1e-9}, row | {"high": 70.0, "overrides": ["simulation.duration=100 ms"]}]
    (tmp_path / "expected.toml").write_text(tomli_w.dumps({"expected": rows}))
    monkeypatch.chdir(tmp_path)
    verdicts = reproduce(tmp_path)
    assert [verdict.verdict for verdict in verdicts] == ["met", "falls short"]
    said: list[str] = []
    assert [again.values for again in reproduce(tmp_path, say=said.append)] == [each.values for each in verdicts]
    assert all("finished before" in line for line in said)
    (tmp_path / "expected.toml").write_text(tomli_w.dumps({"expected": [rows[0] | {"name": "numbers.rat"}]}))
    with pytest.raises(ConfigError, match="did you mean 'rate'"):
        load_expected(tmp_path)
