"""Plans of sweeps: configurations, and refusals of faulty files."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import ConfigError, DataError, UnknownNameError
from neurosim.model_files.checking import Faults
from neurosim.model_files.search_keys import Range, override, short_keys
from neurosim.model_files.sections import overridden
from neurosim.studies.sweeps.plan import label_of, read_plan
from neurosim.units import parse_quantity


@pytest.fixture(scope="module")
def tiny(tiny_folder) -> str:
    """The path of a tiny model."""
    return str(tiny_folder() / "tiny.toml")


def planned(tiny: str, **tables: Any):
    about = {"model": tiny} | tables.pop("sweep", {})
    return read_plan({"sweep": about, **tables})


def refusal(tiny: str, **tables: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        planned(tiny, **tables)
    return str(caught.value)


def test_a_grid_is_every_combination_in_order(tiny):
    plan = planned(tiny, grid={"scheme": {"learning_rate": [0.1, 0.2]}, "network.hidden": [[6], [4, 4]]})
    assert [dict(each.values) for each in plan.configurations] == [
        {"scheme.learning_rate": 0.1, "network.hidden": [6]},
        {"scheme.learning_rate": 0.1, "network.hidden": [4, 4]},
        {"scheme.learning_rate": 0.2, "network.hidden": [6]},
        {"scheme.learning_rate": 0.2, "network.hidden": [4, 4]},
    ]
    model = plan.configurations[3].model
    assert model.resolve()["scheme"]["learning_rate"] == 0.2
    assert model.resolve()["network"]["hidden"] == [4, 4]
    assert len({each.model.hash for each in plan.configurations}) == 4


def test_ranges_have_units_and_scales(tiny):
    plan = planned(
        tiny,
        sweep={"overrides": ["network.neuron.kind=leaky_rate"]},
        grid={
            "scheme.learning_rate": {"low": 0.01, "high": 1.0, "count": 3, "log": True},
            "network.neuron.tau_m": {"low": "10 ms", "high": "0.04 second", "count": 4},
        },
    )
    assert plan.keys["scheme.learning_rate"] == (0.01, 0.1, 1.0)
    assert plan.keys["network.neuron.tau_m"] == ("10 ms", "20 ms", "30 ms", "40 ms")


def test_zip_goes_along_its_lists(tiny):
    plan = planned(tiny, zip={"scheme.learning_rate": [0.1, 0.2], "training.batch_size": [16, 64]})
    assert [tuple(each.values.values()) for each in plan.configurations] == [(0.1, 16), (0.2, 64)]
    message = refusal(tiny, zip={"scheme.learning_rate": [0.1, 0.2], "training.batch_size": [16]})
    assert "different lengths (scheme.learning_rate 2, training.batch_size 1)" in message


def test_list_may_set_different_keys_and_variants(tiny):
    plan = planned(tiny, list=[{"variant": "fa"}, {"scheme": {"learning_rate": 0.3}}])
    assert [each.model.scheme_kind for each in plan.configurations] == ["feedback_alignment", "node_perturbation"]
    assert label_of(plan.configurations[1].values) == "learning_rate=0.3"


def test_random_draws_lie_in_their_range_and_depend_on_nothing_else(tiny):
    keys = {"scheme.learning_rate": {"low": 0.01, "high": 1.0, "log": True}}
    plan = planned(tiny, random={"count": 40, "seed": 3, **keys})
    drawn = [each.values["scheme.learning_rate"] for each in plan.configurations]
    assert all(0.01 <= value <= 1.0 for value in drawn)
    assert 8 < sum(value < 0.1 for value in drawn) < 32
    more = planned(tiny, random={"count": 12, "seed": 3, **keys, "training.batch_size": [16, 32]})
    assert [each.values["scheme.learning_rate"] for each in more.configurations] == drawn[:12]
    other = planned(tiny, random={"count": 12, "seed": 4, **keys})
    assert [each.values["scheme.learning_rate"] for each in other.configurations] != drawn[:12]


@given(
    low=st.floats(1e-3, 1e3),
    width=st.floats(1.5, 1e3),
    log=st.booleans(),
    unit=st.sampled_from(["", " ms", " mV", " nS"]),
    seed=st.integers(0, 99),
)
def test_every_value_of_a_range_lies_in_it(low, width, log, unit, seed):
    high = low * width
    own = Range(low=f"{low!r}{unit}" if unit else low, high=f"{high!r}{unit}" if unit else high, count=5, log=log)
    faults = Faults()
    values = [*own.listed("here", faults), own.drawn(np.random.default_rng(seed))]
    assert not faults.listed
    bottom, top = own.bounds
    # Six digits are kept.
    numbers = [parse_quantity(value, own.unit) for value in values]
    assert all(bottom * (1 - 1e-5) <= number <= top * (1 + 1e-5) for number in numbers)
    assert all(isinstance(value, str) == bool(unit) for value in values)


@given(low=st.integers(1, 20), width=st.integers(1, 30), log=st.booleans(), seed=st.integers(0, 99))
def test_whole_numbers_stay_whole(low, width, log, seed):
    own = Range(low=low, high=low + width, log=log, integer=True)
    generator = np.random.default_rng(seed)
    drawn = [own.drawn(generator) for _ in range(20)]
    assert all(isinstance(value, int) and low <= value <= low + width for value in drawn)


_VALUES = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(value=_VALUES)
def test_an_override_gives_back_its_value(value):
    assert overridden({}, [override("a.b", value)]) == {"a": {"b": value}}


def test_short_keys_tell_apart():
    found = short_keys(["scheme.learning_rate", "network.neuron.sigma", "network.output_neuron.sigma", "variant"])
    assert list(found.values()) == ["learning_rate", "neuron.sigma", "output_neuron.sigma", "variant"]


def test_all_faults_of_all_configurations_at_once_each_said_once(tiny):
    message = refusal(
        tiny, grid={"scheme.learning_rate": [-1.0, 0.1, "fast"], "training.batch_sze": [1], "network.hidden": [[4]]}
    )
    assert "training.batch_sze: unknown key" in message
    assert "did you mean 'batch_size'?" in message
    assert "in 3 of 3 configurations, first with learning_rate=-1.0, batch_sze=1, hidden=[4]" in message
    assert "scheme.learning_rate: got 'fast'" in message
    assert message.count("batch_size'") == 1


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({}, "sweep: got none, expected one of the tables [grid], [zip], [list], [random], [search]"),
        ({"grid": {"a.b": [1]}, "zip": {"a.b": [1]}}, "got [grid] and [zip]"),
        ({"gird": {}}, "gird: unknown section; did you mean 'grid'?"),
        ({"grid": {}}, "grid: got no key path"),
        ({"grid": {"learning_rate": [1]}}, "grid.learning_rate: expected a key path such as scheme.learning_rate"),
        ({"grid": {"scheme.learning_rate": 0.1}}, "got 0.1, expected a list of values or { low"),
        ({"grid": {"scheme.learning_rate": []}}, "got no value"),
        ({"grid": {"scheme.learning_rate": [0.1, 0.1]}}, "got 0.1 twice"),
        ({"grid": {"scheme.learning_rate": {"low": 0.1, "high": 1}}}, "a range without a count"),
        ({"grid": {"scheme.learning_rate": {"low": 0.1, "hihg": 1}}}, "unknown key, got 1; did you mean 'high'?"),
        ({"grid": {"scheme.learning_rate": {"low": 2.0, "high": 1.0, "count": 3}}}, "the lower one first"),
        ({"grid": {"network.neuron.tau_m": {"low": "1 ms", "high": "2 mV", "count": 3}}}, "has the wrong unit"),
        ({"grid": {f"scheme.k{n}": list(range(30)) for n in range(4)}}, "got 810000 combinations, expected at most"),
        ({"random": {"scheme.learning_rate": {"low": 0.1, "high": 1}}}, "random.count: missing"),
        ({"random": {"count": 2, "sede": 1, "scheme.learning_rate": [1]}}, "random.sede: unknown key"),
        (
            {"random": {"count": 2, "scheme.learning_rate": {"low": 0.1, "high": 1, "count": 2}}},
            "random.scheme.learning_rate.count: unknown key in [random]",
        ),
        ({"search": {"trials": 3, "scheme.learning_rate": [0.1]}}, "sweep.metric: missing, expected it for a search"),
        ({"list": {"scheme.learning_rate": [0.1]}}, "expected tables [[list]]"),
        ({"sweep": {"seeds": [0, 0]}, "grid": {"scheme.learning_rate": [0.1]}}, "expected every seed once"),
        ({"sweep": {"seeds": []}, "grid": {"scheme.learning_rate": [0.1]}}, "sweep.seeds: "),
        ({"sweep": {"sedes": [0]}, "grid": {"scheme.learning_rate": [0.1]}}, "did you mean 'seeds'?"),
        (
            {"sweep": {"metric": "accuracy"}, "grid": {"scheme.learning_rate": [0.1]}},
            "sweep.metric.name: got 'accuracy'",
        ),
        (
            {"sweep": {"metric": {"history": "validation_loss"}}, "grid": {"scheme.learning_rate": [0.1]}},
            "sweep.metric.epoch: expected either epoch or over",
        ),
        ({"grid": {"variant": ["fa", "af"]}}, "unknown variant of"),
        ({"grid": {"engine.level": ["steady", "rate"], "engine.dt": ["3 ms"]}}, "whole number"),
    ],
)
def test_what_is_refused(tiny, tables, expected):
    assert expected in refusal(tiny, **tables)


@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss", {"name": "test_accuracy"}])
def test_nothing_is_chosen_on_the_test_split(tiny, metric):
    tables = {"search": {"trials": 3, "scheme.learning_rate": [0.1]}}
    message = refusal(tiny, sweep={"metric": metric, "direction": "maximize"}, **tables)
    assert "sweep.metric: got 'test_" in message
    assert "validation_accuracy" in message


def test_a_search_is_checked_at_the_ends_of_its_ranges(tiny):
    about = {"metric": "validation_loss", "direction": "minimize"}
    keys = {"trials": 3, "scheme.learning_rate": {"low": -1.0, "high": 1.0}, "training.batch_size": [16, 0]}
    message = refusal(tiny, sweep=about, search=keys)
    assert "training.batch_size: got 0" in message
    assert not planned(tiny, sweep=about, search={"trials": 3, "training.batch_size": [16]}).configurations


def test_the_model_of_a_file_is_looked_for_beside_it(tiny_folder):
    folder = tiny_folder()
    (folder / "rates.toml").write_text(
        tomli_w.dumps({"sweep": {"model": "tiny.toml+fa"}, "grid": {"scheme.learning_rate": [0.1]}})
    )
    plan = read_plan(folder / "rates.toml")
    assert plan.name == "rates"
    assert plan.configurations[0].model.scheme_kind == "feedback_alignment"


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_plan(tmp_path / "none.toml")
    with pytest.raises(UnknownNameError, match="did you mean 'lansdell2020/digits'"):
        read_plan({"sweep": {"model": "lansdell2020/digts"}, "grid": {"scheme.learning_rate": [0.1]}})


def test_checking_imports_neither_jax_nor_dask(tiny):
    code = (
        "import sys; from neurosim.studies.sweeps.plan import read_plan; "
        f"read_plan({{'sweep': {{'model': {tiny!r}}}, 'grid': {{'scheme.learning_rate': [0.1]}}}}); "
        "print({'jax', 'distributed', 'optuna'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
