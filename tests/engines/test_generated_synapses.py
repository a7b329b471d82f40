"""Synapses drawn at random: whatever their texts, delays and bounds, both engines run them alike.

Compiling takes the time, and most of it is the same for one circuit and for twenty that do not meet. So they are run
side by side; one whose engines differ is then run alone and made as small as it can be.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import Phase as Stage
from hypothesis import assume, given, settings

from neurosim.circuit.description import Phase
from neurosim.errors import CircuitError, NeurosimError
from neurosim.rules._rule import Rule
from tests.engines.drawn_synapses import FLOWS, Drawn, circuits, differences, smallest

#: Circuits in one, and how often: two hundred in all.
TOGETHER, TIMES = 20, 10
LEARNS = ("all of them",)
ONCE = (Phase("all", "20 ms", learn=LEARNS),)
STOPS = (Phase("learns", "12 ms", learn=LEARNS), Phase("is read", "8 ms"))
AGAIN = (Phase("first", "10 ms", learn=LEARNS), Phase("again", "8 ms", learn=LEARNS, restart=True))
ALL = (Phase("first", "10 ms", learn=LEARNS), Phase("second", "8 ms"), Phase("third", "10 ms", learn=LEARNS))
#: Each phase is compiled by itself.
PHASES = {
    "learns": ONCE,
    "stops": STOPS,
    "again": AGAIN,
    "all": ALL,
    "restarts": (*ALL[:2], replace(ALL[2], restart=True)),
}
DEFAULT = [*["learns"] * (TIMES - 2), "stops", "again"]
MORE = [*["all"] * 5, *["restarts"] * 5]


@pytest.fixture(autouse=True)
def _collects_once() -> Iterator[None]:
    """What compiling leaves is collected once, at the end."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@functools.cache
def drawn() -> list[tuple[list[Drawn], int]]:
    """All circuits, in sets that are run together, each with a seed."""
    found: dict[str, Drawn] = {}

    @settings(max_examples=TOGETHER * TIMES, phases=[Stage.generate], database=None)
    @given(circuits())
    def draw(circuit: Drawn) -> None:
        assume(str(circuit) not in found)
        found[str(circuit)] = circuit

    draw()
    # In turn, so that small ones, which are drawn first, are in all sets.
    return [(list(found.values())[number::TIMES], number) for number in range(TIMES)]


def alone(drawn: Drawn, phases: Sequence[Phase], seed: int) -> str | None:
    """What is wrong with a circuit by itself."""
    try:
        said = differences([drawn], phases, seed).get(0)
        return said and f"differs: {said}"
    except (AssertionError, NeurosimError) as error:
        return f"{type(error).__name__}: {error}"


def at_least(drawn: Drawn, phases: Sequence[Phase], seed: int) -> Drawn:
    """The smallest form of a circuit that fails by itself in the same way.

    What is refused once a part is taken away is another fault than numbers that differ.
    """
    kind = (alone(drawn, phases, seed) or "").partition(":")[0]
    return smallest(drawn, lambda less: bool(kind) and (alone(less, phases, seed) or "").startswith(f"{kind}:"))


def alike(several: Sequence[Drawn], phases: Sequence[Phase], seed: int) -> None:
    """Fail with the smallest form of the first circuit that the engines run otherwise, or that one of them refuses."""
    try:
        found = differences(several, phases, seed)
    except (AssertionError, NeurosimError) as error:
        found = {number: said for number, drawn in enumerate(several) if (said := alone(drawn, phases, seed))}
        if not found:
            raise AssertionError(f"all run by themselves, and together: {error}") from error
    for number, said in found.items():
        least = at_least(several[number], phases, seed)
        raise AssertionError(f"circuit {number}: {said}\nseed {seed}, phases {phases}\n{least}")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        *(pytest.param(number, kind, id=f"{number}-{kind}") for number, kind in enumerate(DEFAULT)),
        *(
            pytest.param(number, kind, id=f"{number}-{kind}", marks=pytest.mark.slow)
            for number, kind in enumerate(MORE, start=TIMES)
        ),
    ],
)
def test_both_engines_run_twenty_circuits_alike(number: int, kind: str) -> None:
    several, seed = drawn()[number % TIMES]
    assert len(several) == TOGETHER
    alike(several, PHASES[kind], seed)


def test_a_circuit_that_fails_is_made_as_small_as_it_can_be() -> None:
    rule = Rule(traces=FLOWS, on_pre="x += 1\ny = 1\nw *= 0.9", on_post="y -= 0.1", parameters={"bias": 0.4})
    options = {"source": "a.spikes", "target": "b.g", "delay": "3 ms", "bounds": (0, 0.6), "connectivity": "one_to_one"}
    drawn = Drawn(options, (rule, replace(rule, name="other")), back=True)
    least = smallest(drawn, lambda each: "3 ms" in str(each) and any("w *=" in rule.on_pre for rule in each.rules))
    assert least.options == {"source": "a.spikes", "target": "b.g", "delay": "3 ms"} and not least.back
    (kept,) = least.rules
    assert (kept.on_pre, kept.on_post, kept.traces) == ("w *= 0.9", "", "")


def test_the_circuit_whose_engines_differ_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    more = Rule(traces=FLOWS, on_pre="x += 1")
    plain = [Drawn({"source": "a.spikes", "target": "b.g", "delay": delay}, (more,)) for delay in (None, "1 ms")]

    def wrong(several: Sequence[Drawn], phases: Sequence[Phase], seed: int) -> dict[int, str]:
        if not all(drawn.rules for drawn in several):
            raise CircuitError("refused")
        return {number: "W.w: 1 apart" for number, drawn in enumerate(several) if drawn.options.get("delay")}

    monkeypatch.setattr(f"{__name__}.differences", wrong)
    with pytest.raises(AssertionError, match=r"circuit 1: W\.w(?s:.*)'delay': '1 ms'(?s:.*)name='rule'"):
        alike(plain, ONCE, 0)
