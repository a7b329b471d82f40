"""What `make test` leaves out is never all there is of a scheme, a rule, a neuron, a readout or an engine."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from neurosim import registry
from neurosim.schemes._pairing import schemes_on
from tests.default_run import LAYERED, MECHANISMS, mechanism, one_of_each

SAME_RESULT, RULES = "tests/engines/test_same_result.py", "tests/engines/test_rules.py"


def _collected(request: pytest.FixtureRequest, test: str) -> list[pytest.Item]:
    """The cases of a test that are to run, where all of its file was asked for."""
    config, file = request.config, test.partition("::")[0]
    items = [item for item in request.session.items if item.nodeid.startswith(f"{file}::")]
    if not items or config.option.keyword or any("::" in argument for argument in config.args):
        pytest.skip(f"only some tests were asked for, not all of {file}")
    return [item for item in items if item.nodeid.partition("[")[0] == test]


def _values(items: Iterable[pytest.Item]) -> set[str]:
    """Texts among the parameters of cases; of a pair, such as a scheme and its settings, the first."""
    given = [value for item in items for value in getattr(item, "callspec", item).__dict__.get("params", {}).values()]
    return {value[0] if isinstance(value, tuple) else value for value in given if isinstance(value, (str, tuple))}


@pytest.mark.parametrize(
    ("kind", "test", "elsewhere"),
    [
        ("schemes", f"{SAME_RESULT}::test_weights_after_twenty_presentations", set(schemes_on("recurrent"))),
        ("schemes", "tests/engines/test_schemes_in_time.py::test_weights_after_a_batch", set(LAYERED)),
        # All schemes are read out by it.
        ("readouts", f"{SAME_RESULT}::test_every_readout", {"cross_entropy"}),
        # Without state: circuits have some of them, and tests/cases/test_sources.py has those that only send spikes.
        (
            "neurons",
            f"{SAME_RESULT}::test_every_neuron_alone",
            {"constant", "critic", "poisson", "relay", "spike_source", "stimulus"},
        ),
        ("rules", f"{RULES}::test_both_engines_agree_on_arbitrary_activity", set()),
        ("rules", f"{RULES}::test_mean_over_a_batch_is_the_mean_of_single_trials", set()),
    ],
)
def test_everything_registered_is_compared_on_both_engines_by_default(
    kind: str, test: str, elsewhere: set[str], request: pytest.FixtureRequest
) -> None:
    missing = set(registry.names(kind)) - _values(_collected(request, test)) - elsewhere
    assert not missing


def test_every_engine_runs_by_default(request: pytest.FixtureRequest) -> None:
    """The two that everything above is compared on, and plain arrays."""
    assert registry.names("engines") == ["batched", "brian", "numpy"]
    assert _collected(request, "tests/engines/test_numpy.py::test_weights_and_ends_are_those_of_the_batched_engine")
    assert _collected(request, "tests/engines/test_numpy.py::test_every_engine_is_what_the_protocol_describes")


def test_every_scheme_has_one_way_to_teach() -> None:
    listed = [scheme for schemes in MECHANISMS.values() for scheme in schemes]
    assert sorted(listed) == registry.names("schemes")
    assert mechanism("of_ones_own") == "of_ones_own"


def test_the_first_of_each_kind_runs_by_default() -> None:
    slow = pytest.param("c", 3, marks=pytest.mark.slow)
    cases = one_of_each([("a", 1), ("a", 2), slow, ("c", 4), ("b", 5), ("b", 6)], lambda name, _: name)
    assert [case.values for case in cases if not case.marks] == [("a", 1), ("c", 4), ("b", 5)]
    free = one_of_each(["x", "x", "y"], lambda name: None if name == "x" else name)
    assert not [case for case in free if case.marks]
