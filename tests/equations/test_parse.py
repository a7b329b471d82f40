"""Blocks of equation text: what is read, and what a fault's message says and where it points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.equations.parse import Equation, EquationSet, parse_equations, parse_statements
from neurosim.errors import EquationError, NeurosimError, UnitError
from neurosim.neurons._model import NeuronModel

LIF = """
# membrane
dv/dt = (v_rest - v + i_ext)/tau_m : volt (unless refractory)   # leak
i_total = i_ext*2 : volt
i_ext : volt
tau_m : second (constant, shared)
v_rest : volt
ready = v > v_rest : boolean
"""


def test_reads_the_three_forms() -> None:
    equations = parse_equations(LIF)
    assert [e.name for e in equations.of("differential")] == ["v"]
    assert [e.name for e in equations.of("subexpression")] == ["i_total", "ready"]
    assert [e.name for e in equations.of("parameter")] == ["i_ext", "tau_m", "v_rest"]
    v = equations.by_name["v"]
    assert (v.expression, v.unit, v.flags) == ("(v_rest - v + i_ext)/tau_m", "volt", ("unless refractory",))
    assert v.names == {"v_rest", "v", "i_ext", "tau_m"}
    assert equations.by_name["tau_m"].flags == ("constant", "shared")


def test_printing_and_reading_round_trip() -> None:
    equations = parse_equations(LIF)
    assert parse_equations(str(equations)) == equations


WORDS = st.from_regex(r"[a-z]{3,6}_?[a-z0-9]{1,3}", fullmatch=True).map(lambda word: f"q{word}")


@given(
    st.lists(
        st.tuples(
            WORDS,
            st.sampled_from(["differential", "subexpression", "parameter"]),
            st.sampled_from(["1", "volt", "amp/second", "siemens/metre**2"]),
            st.sampled_from(
                ["2.5", "v**2 - 1", "exp(-v)/(1 + v)", "-v", "clip(v, 0, 1)*3", "int(v > 1 and not v < 2)"]
            ),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda line: line[0],
    )
)
def test_any_set_round_trips(lines: list[tuple]) -> None:
    flags = {"differential": ("unless refractory",), "parameter": ("shared",), "subexpression": ()}
    made = EquationSet(tuple(Equation(k, n, None if k == "parameter" else e, u, flags[k]) for n, k, u, e in lines))
    assert parse_equations(str(made)) == made


def test_spacing_and_comments_do_not_matter() -> None:
    assert parse_equations("dv/dt=-v/tau:1\ntau:second") == parse_equations(
        "\n   d v/dt  = -v/tau  :  1  # x : 2\n\n  tau :second # y".replace("d v", "dv")
    )


def test_with_adds_and_replaces_in_place() -> None:
    equations = parse_equations("a : 1\nb : 1")
    changed = equations.with_(Equation("subexpression", "a", "b*2", "1"), Equation("parameter", "c", None, "1"))
    assert [str(e) for e in changed.equations] == ["a = b*2 : 1", "b : 1", "c : 1"]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        (
            "dv/dt = (drive - v)/tua : 1\ntau : second\ndrive : 1",
            1,
            21,
            "unknown name 'tua'.*did you mean 'tau'",
        ),
        ("tau : second\ndv/dt = -v/tau + nosuch/tau : 1", 2, 18, "unknown name 'nosuch'"),
        ("  v : 1\n  v = 2 : 1", 2, 3, "defined twice; first on line 1"),
        ("w : 1\n t : second", 2, 2, "'t' is the time"),
        ("dxi/dt = 1/second : 1", 1, 2, "'xi' is white noise"),
        ("not_refractory : 1", 1, 1, "whether a neuron is past its refractory period"),
        ("exp : 1", 1, 1, "the function exp"),
        ("pi = 3 : 1", 1, 1, "the constant pi"),
        ("v_pre : 1", 1, 1, "_pre or _post"),
        ("lambda : 1", 1, 1, "a word of Python"),
        ("v__x : 1", 1, 1, "cannot be a variable name"),
        ("2v : 1", 1, 1, "cannot be a variable name"),
        ("v : 1\nv w", 2, 1, "expected 'dv/dt = expression : unit'"),
        ("v = : 1", 1, 4, "expected an expression"),
        ("v = w.x : 1\nw : 1", 1, 5, "attribute access"),
        ("v = 2*w[0] : 1\nw : 1", 1, 7, "indexing"),
        ("v = 1 + sinn(2) : 1", 1, 9, "'sinn' is not a known function .did you mean 'sin'..; allowed are"),
        ("v = clip(1, 2) : 1", 1, 5, "takes 3 argument"),
        ("v = 2 ^ 3 : 1", 1, 5, r"write \*\* instead"),
        ("v = (1 + 2 : 1", 1, 5, "cannot be read"),
        ("v = rand() : 1", 1, 5, "thresholds and resets only"),
        ("v = xi : 1", 1, 5, "only stand in a differential equation"),
        ("v : nosuch", 1, None, "cannot be used as a unit"),
        ("v : volt**volt", 1, 5, "is not a unit"),
        (
            "v : 1 (sharred)",
            1,
            8,
            "flag 'sharred' is not allowed for a parameter; allowed are constant, shared",
        ),
        ("dv/dt = -v/second : 1 (constant)", 1, 24, "not allowed for a differential"),
        ("a = b : 1\nb = c : 1\nc = a : 1", 1, 5, "a, b, c need each other"),
        ("a = a + 1 : 1", 1, 5, "need each other"),
        ("v : 1\nx = v > 1 : 1", 2, 5, "should be a number"),
        ("v : 1\nx = v + 1 : boolean", 2, 5, "should be a condition"),
        ("v : 1\nx = 2*(v > 1) : 1", 2, 5, r"int\(condition\)"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, line: int, column: int | None, message: str) -> None:
    with pytest.raises(EquationError, match=message) as caught:
        NeuronModel(text)
    assert caught.value.line == line
    if column is not None:
        assert caught.value.column == column
        shown, caret = str(caught.value).splitlines()[-2:]
        assert shown.strip() == text.splitlines()[line - 1].strip()
        assert caret.index("^") == 4 + column - 1


@pytest.mark.parametrize("text", ["", "\n\n", "   # only a comment\n"])
def test_empty_text(text: str) -> None:
    with pytest.raises(EquationError, match="at least one equation"):
        parse_equations(text)


def test_text_is_text() -> None:
    with pytest.raises(EquationError, match="equations are text, got int"):
        parse_equations(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dv/dt = -v : 1", "right-hand side of dv/dt .*division by a time constant"),
        ("tau : second\ndv/dt = -v/tau : volt\nx = v : amp", "line 3.*right-hand side of x"),
        ("v : volt\nx = v + 1 : volt", "line 2"),
        ("v : volt\nx = exp(v) : 1", "v"),
        ("v : volt\nx = v**v : volt", "x"),
    ],
)
def test_wrong_units(text: str, message: str) -> None:
    with pytest.raises(NeurosimError, match=message):
        NeuronModel(text)


def test_a_base_unit_is_asked_for_in_a_declaration() -> None:
    with pytest.raises(EquationError, match="Use 'volt' instead"):
        NeuronModel("v : mV")


SPIKING = "dv/dt = (i_ext - v)/(10*ms) : 1\ni_ext : 1\nactive : boolean"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reset": "v = 0"}, "reset .* without a threshold"),
        ({"refractory": "2 ms"}, "refractory period .* without a threshold"),
        ({"threshold": "v"}, "no condition"),
        ({"threshold": "v and v > 1"}, "threshold|condition|truth values"),
        ({"threshold": "u > 1"}, "unknown name 'u' in the threshold"),
        ({"threshold": "v > i_exd"}, "did you mean 'i_ext'"),
        ({"threshold": "v > 1*mV"}, "volt|unit"),
        ({"threshold": "v > 1", "reset": "u = 0"}, "not a variable; allowed are v, i_ext"),
        ({"threshold": "v > 1", "reset": "v = u"}, "unknown name 'u' in the reset"),
        ({"threshold": "v > 1", "reset": "v = 1*mV"}, "expected 1"),
        ({"threshold": "v > 1", "reset": "v"}, r"expected 'name = expression'"),
        ({"threshold": "v > 1", "reset": "v = v > 1"}, "truth value"),
        ({"threshold": "v > 1", "reset": "active = 1"}, "truth value"),
        ({"threshold": "v > 1", "reset": "v == 0"}, r"expected 'name = expression'"),
        ({"threshold": "v > 1", "refractory": "2 mV"}, "is neither a time nor a condition"),
        ({"threshold": "v > 1", "refractory": "v + 1"}, "neither a time nor a condition"),
        ({"method": "newton"}, "unknown integration method 'newton'; allowed are exact"),
        ({"initial": {"i_ext": 1}}, "no differential equation"),
        ({"parameters": {"v": 1}}, "the equations compute it"),
        ({"parameters": {"i_ext": "3 mV"}}, "i_ext.*wrong unit"),
        ({"parameters": {"no such": 1}}, "cannot be a variable name"),
    ],
)
def test_a_model_refuses(settings: dict, message: str) -> None:
    with pytest.raises(NeurosimError, match=message):
        _ = NeuronModel(SPIKING, **settings).parameter_values


def test_messages_stay_short() -> None:
    with pytest.raises(EquationError) as caught:
        NeuronModel(SPIKING, threshold="u > 1")
    # Brian2 knows some thousand units, none of which is meant.
    assert len(str(caught.value)) < 300


def test_a_truth_value_can_be_reset() -> None:
    assert NeuronModel(SPIKING, threshold="v > 1", reset="active = v > 0").functions["reset"].returns == ("active",)


def test_statements() -> None:
    read = parse_statements("v = c  # down\nw += d*2; u *= 0.5")
    assert [str(statement) for statement in read] == ["v = c", "w += d*2", "u *= 0.5"]
    assert read[1].names == {"d"}
    assert parse_statements("") == ()


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("v = 1\n w + 1", 2, 2),
        ("v = 1; w = x.y", 1, 12),
        ("v = 1;; __x = 2", 1, 9),
        ("v //= 2", 1, 1),
        ("v = ", 1, 4),
    ],
)
def test_statements_with_faults(text: str, line: int, column: int) -> None:
    with pytest.raises(EquationError) as caught:
        parse_statements(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_errors_are_builtins_as_well() -> None:
    with pytest.raises(ValueError):
        parse_equations("")
    assert issubclass(UnitError, ValueError)
