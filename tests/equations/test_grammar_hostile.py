"""Text that is no arithmetic, or arithmetic without end: refused everywhere, executed nowhere, with little work."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurosim.equations.array_code import expression_function
from neurosim.equations.grammar import check_expression
from neurosim.equations.parse import parse_equations, parse_statements
from neurosim.equations.symbolic import differentiate, separate, steady_state
from neurosim.errors import NeurosimError
from neurosim.neurons._model import NeuronModel
from tests.cost import counted

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")

#: Calls of functions that a refusal may cost: a second or less on the machine where it was set.
LIMIT = 300_000
CALL = "neurosim_canary('executed')"

#: Not one of these is arithmetic, alone or as a part.
# fmt: off
ESCAPES = [
    CALL, f"({CALL})", f"[{CALL}][0]", f"({CALL}, 1)[1]", f"{{{CALL}: 1}}", f"{CALL} or v", f"v.{CALL}",
    f"eval({CALL!r})", f"exec({CALL!r})", f"compile({CALL!r}, 'x', 'eval')", f"print({CALL})", f"exp({CALL})",
    f"(lambda: {CALL})()", f"lambda x={CALL}: x", f"[{CALL} for x in (1,)]", f"{{{CALL} for x in (1,)}}",
    f"list({CALL} for x in (1,))", f"{{x: {CALL} for x in (1,)}}", f"(v := {CALL})", f"{CALL} if v else 1",
    f"v if {CALL} else 1", f"f'{{{CALL}}}'", f"'%s' % {CALL}", f"'{{}}'.format({CALL})", f"exp(x={CALL})",
    f"exp(*{CALL})", f"exp(**{CALL})", f"exp(*[{CALL}])", f"clip(v, *({CALL}, 1))", f"await {CALL}",
    f"yield {CALL}", f"(yield {CALL})", f"v < {CALL} < 1", f"not {CALL}", f"-{CALL}", f"{CALL} ** 2",
    "__import__('os').system('true')", "__import__('os')", "import os", "from os import system",
    "os.system('true')", "().__class__", "().__class__.__bases__[0].__subclasses__()", "''.__class__.__mro__",
    "v.__class__", "v.real", "v.__dict__", "v.f_globals", "exp.__globals__", "exp.__call__(1)",
    "(1).__class__", "1 .real", "1.0.hex()", "__builtins__", "__name__", "__file__", "__", "_", "_v", "v__x",
    "__v__", "__debug__", "v.v", "v . v", "open('/etc/passwd')", "open('/etc/passwd').read()", "globals()",
    "locals()", "vars()", "dir()", "getattr(v, 'x')", "setattr(v, 'x', 1)", "delattr(v, 'x')", "type(v)",
    "object()", "super()", "input()", "breakpoint()", "exit()", "quit()", "help()", "memoryview(b'')",
    "bytearray(10)", "bytes(10)", "range(10)", "sum((1, 2))", "max(1, 2)", "pow(2, 3)", "round(v)",
    "float(v)", "complex(v)", "str(v)", "chr(1)", "ord('a')", "hash(v)", "id(v)", "iter(v)", "next(v)",
    "map(exp, v)", "sympify('v')", "Symbol('v')", "S('v')", "where(v)", "number(v)", "int_(v)",
    "timestep(v, v)", "poisson(v)", "logical_not(v)", "Integer(1)", "Function('f')(1)", "run(v)", "np.exp(v)",
    "brian2.exp(v)", "jax.jit(v)", "exp", "exp + 1", "exp(exp)", "exp()", "exp(1, 2)", "clip(v)",
    "clip(v, 1)", "exp(v)(v)", "exp(v).x", "exp(v)[0]", "v[0]", "v[:]", "v[...]", "v[v]", "[1, 2]", "[]",
    "(1, 2)", "()", "{}", "{1: 2}", "{1, 2}", "(1, 2)[0]", "...", "'text'", '"text"', "'''text'''", "b'text'",
    "r'text'", "f'text'", "f'{v}'", "'a' 'b'", "'%d' % v", "'v' * 3", "'a' + 'b'", "''", "1j", "1J + v",
    "2.5e3j", "None", "v is v", "v is not v", "v in v", "v not in v", "v @ v", "v // v", "v << 1", "v >> 1",
    "v & v", "v | v", "v ^ v", "~v", "v <> v", "v ++", "++", "v +", "* v", "v **", "** v", "v v", "v 1",
    "1 v", "(v", "v)", "((v)", "v))", "[v", "v]", "{v", "v}", "v = 1", "v == = 1", "v := 1", "v += 1 = 2",
    "v; v", "v;", ";", "v, v", "v,", ",", ":", "v:", "v: 1", "@v", "$v", "?v", "v!", "!v", "`v`", "v\\", "\\",
    "v \\ v", "v\\\nv", "v\x00", "\x00", "v\x00v", "v\x0cv +", "v\x1b", "\ufeffv +", '\uff56', "v\u0430",
    "\u03c5", "\u2115", '\uff45xp(v)', "exp\u200b(v)", "v\u00a0+\u00a0v", "v\u2028v", '\uff11', '\xb2',
    'v\xb2', '\u221av', '\u03c0', 'v \xd7 v', 'v \u2212 v', 'v \xf7 2', '\u201cv\u201d', 'v\u202e',
    '\U0001d42f', '\ufb01', "del v", "pass", "return v", "raise v", "assert v", "global v", "nonlocal v",
    "while v", "for v in v", "with v", "try", "class v", "def f", "async def f", "match v", "print v",
    "async", "await v", "yield", "yield v", "yield from v", "if", "else", "not", "and", "or", "is", "in",
    "lambda", "*v", "0x", "0b2", "0o9", "1__0", "1_", "01", "1e", "1e+", ".e1", "1.2.3", "0x1.8p3",
    "True.real", "1if v else 2", "v or", "1 < v < 2", "v < v == v", "True * v", "(v > 1) * v", "-(v > 1)",
    "(v > 1) > 0", "exp(v > 1)", "v and 1", "not v + 1",
]
# fmt: on
#: Around an escape, each of these is still one.
WRAPPINGS = ["{}", "v + {}", "exp({})", "-({})", "({})**2", "int(({}) > 0)", "clip(v, 0, {})"]

#: Arithmetic whose value, or whose algebra, has no end, or no value at all.
# fmt: off
BOMBS = [
    "9**9**9**9", "9**9**9", "2**65", "v**65", "v**-65", "v**1e9", "v**9999999999", "10**(10*v/v)**2",
    "(9**9)**9", "((v - v + 9)**64)**64", "((((v**64)**64)**64)**64)**64", "(v**64)**9", "9**(64*64)*v",
    "(v**32)**32", "1e31*v", "1e400", "1e308*10*v", "-1e999", "9" * 40, "9" * 400, "9" * 3999,
    "0x" + "f" * 200, "1" + "0" * 300, "1e30**64", "exp(exp(exp(100)))", "exp(exp(1e9 + v - v))",
    "floor(exp(1e9 + v - v))", "sin(exp(1e9 + v - v))", "exp(1000)", "exp(exp(cosh(v*100)))",
    "exp(exp(1e6*v))", "exp(v*1e9) % 3", "ceil(exp(v/1e-9))", "tan(exp(1e6*v))",
    "exp(exp(1/(v - 1.00000001)))", "sinh(sinh(tan(v)))", "exp(exp(9**30 + v - v))",
    "floor(exp(exp(exp(exp(v)))))", "exp(1e9*log(9 + v - v))", "exp(1e300*log(v))", "v**(v**v)", "v**(v*v*v)",
    "v**v**v", "v**exp(v)", "2**(v - v)", "9**(v/v)", "v**(9**9)", "1/0", "v/0", "v/(1 - 1)", "v % 0", "0/0",
    "log(0)", "log(-1)", "sqrt(-1)", "arcsin(2)", "0**-1", "(-1)**0.5", "inf*v", "v - inf", "inf/inf",
    "inf - inf", "exp(inf)", "0*inf", "inf**2", "log1p(-1)", "tan(pi/2)", "(" * 41 + "v" + ")" * 41,
    "(" * 5000 + "v" + ")" * 5000, "(" * 1000, ")" * 1000, "[" * 500, "exp(" * 41 + "v" + ")" * 41,
    "-" * 41 + "v", "-" * 3000 + "v", "+-" * 1000 + "v", "not " * 41 + "v", "not " * 900 + "v",
    "~" * 900 + "v", "- " * 900 + "v", "v" + " + v" * 2000, "v" * 5000, "v" + "*v" * 1999, "v" + "**v" * 500,
    "v" + "/v" * 999, "tanh(" * 200 + "v" + ")" * 200, "v + " * 999 + "v", "v" + " and v" * 1999,
    "v < " * 999 + "v", "x" * 101 + "!", "v" + "(v)" * 500, "v" + "[v]" * 500, "v" + ".v" * 1000,
    "v" + " if v else v" * 300, "lambda: " * 400 + "v", " " * 3_000_000 + "v +", "v" + " " * 4000 + "+ +",
]
# fmt: on


def hostile() -> Iterator[str]:
    for escape in ESCAPES:
        yield from (wrapping.format(escape) for wrapping in WRAPPINGS if not _tame(wrapping, escape))
    yield from BOMBS
    yield from (f"v + {bomb}" for bomb in BOMBS)
    yield from (f"int(({bomb}) > v)" for bomb in BOMBS)


def _tame(wrapping: str, escape: str) -> bool:
    """Whether text that is wrong alone makes sense here: Python allows a comma after the last argument."""
    return escape == "v," and wrapping.startswith(("exp(", "clip("))


TEXTS = list(dict.fromkeys(hostile()))
#: Each alone, and in one wrapping: for places that take as long as a whole model, and read by the same rules.
FEWER = list(dict.fromkeys([*ESCAPES, *BOMBS, *TEXTS[:: len(WRAPPINGS) + 1]]))

PLACES: dict[str, Callable[[str], object]] = {
    "expression": check_expression,
    "equation": lambda text: parse_equations(f"dv/dt = {text} : 1"),
    "subexpression": lambda text: NeuronModel(f"dv/dt = -v/second : 1\nx = {text} : 1"),
    "model": lambda text: NeuronModel(f"dv/dt = ({text})/second : 1"),
    "statement": lambda text: parse_statements(f"v += ({text})"),
    "reset": lambda text: NeuronModel("dv/dt = -v/second : 1", threshold="v > 1", reset=f"v = ({text})"),
    "threshold": lambda text: NeuronModel("dv/dt = -v/second : 1", threshold=f"v > ({text})"),
    "refractory": lambda text: NeuronModel("dv/dt = -v/second : 1", threshold="v > 1", refractory=f"({text})*second"),
    "derivative": lambda text: differentiate(text, "v"),
    "rule": lambda text: separate(text, lambda name: "pre"),
}
WHOLE_MODELS = ("subexpression", "reset", "threshold", "refractory")
#: Where arithmetic is refused too, or read by other rules.
ESCAPE_PLACES: dict[str, Callable[[str], object]] = {
    "unit": lambda text: NeuronModel(f"v : {text}"),
    "flag": lambda text: parse_equations(f"v : 1 ({text})"),
    "name": lambda text: parse_equations(f"{text} = 1 : 1"),
    "parameter": lambda text: NeuronModel("dv/dt = -v/tau : 1", parameters={"tau": text}),
    "parameter name": lambda text: NeuronModel("dv/dt = -v/second : 1", parameters={text: 1}),
    "initial": lambda text: NeuronModel("dv/dt = -v/second : 1", initial={"v": text}),
    "method": lambda text: NeuronModel("dv/dt = -v/second : 1", method=text),
}
#: What means something after all where it stands.
ALLOWED = {"initial": "01", "flag": ","}


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the canary was called with."""
    calls: list[object] = []
    monkeypatch.setattr(builtins, "neurosim_canary", calls.append, raising=False)
    return calls


def refuse(place: Callable[[str], object], text: str) -> str | None:
    """What is wrong with how the text was received; nothing if it was refused with little work."""
    with counted() as cost:
        try:
            place(text)
        except NeurosimError as error:
            fault = None if len(str(error)) < 3000 else f"an error message of {len(str(error))} characters"
        except BaseException as error:
            fault = f"{type(error).__name__}: {error}"
        else:
            fault = "accepted"
    return f"took {cost.calls:,} calls" if cost.calls > LIMIT else fault


def test_there_are_over_a_thousand() -> None:
    assert len(TEXTS) > 1000
    assert len(FEWER) > len(ESCAPES) + len(BOMBS) + 200


@pytest.mark.parametrize("place", PLACES)
def test_refused_where_expressions_stand(place: str, executed: list[object]) -> None:
    texts = FEWER if place in WHOLE_MODELS else TEXTS
    faults = {text[:80]: fault for text in texts if (fault := refuse(PLACES[place], text))}
    assert not faults
    assert not executed


@pytest.mark.parametrize("place", ESCAPE_PLACES)
def test_refused_where_other_text_stands(place: str, executed: list[object]) -> None:
    faults = {
        text[:80]: fault
        for text in ESCAPES
        if text != ALLOWED.get(place) and (fault := refuse(ESCAPE_PLACES[place], text))
    }
    assert not faults
    assert not executed


# fmt: off
NO_UNITS = [
    "volt**9999", "volt**65", "volt**volt", "volt**64**64", "9**64*volt", "1/0", "(volt)", "volt/0", "nosuch",
    "mV", "2*volt", "-volt", "volt" + "*volt" * 99, "volt)(", "volt (", "volt**", "volt**1e9", "1.5", "True",
    "v", "exp(volt)", "volt % volt", "volt == 1",
]
# fmt: on


@pytest.mark.parametrize("unit", NO_UNITS)
def test_no_unit(unit: str) -> None:
    assert refuse(lambda text: NeuronModel(f"dv/dt = -v/second : {text}"), unit) is None


def test_subexpressions_do_not_multiply_without_end() -> None:
    for term in ("{0} + {0}", "{0}*{0}", "sin({0}) + cos({0})", "tanh({0}*{0})", "{0}**2"):
        lines = ["dv/dt = a25/second : 1", "a0 = v : 1"]
        lines += [f"a{n + 1} = {term.format(f'a{n}')} : 1" for n in range(25)]
        assert refuse(NeuronModel, "\n".join(lines)) is None
        # Nor where nothing uses the last one.
        assert refuse(NeuronModel, "\n".join(["dv/dt = -v/second : 1", *lines[1:]])) is None


@pytest.mark.parametrize("last", ["9**x", "exp(exp(x))", "v/z", "log(z)*v", "(v + z)**x", "v % z"])
def test_subexpressions_hide_nothing(last: str) -> None:
    assert refuse(NeuronModel, f"dv/dt = {last}/second : 1\nx = 10000000000.0 : 1\nz = 1 - 1 : 1") is None


def test_long_text_is_refused_before_it_is_read() -> None:
    for text in ("v : 1\n" * 5000, "x" * 10**6, "\n" * 10**6, "v" * 10**6 + " : 1", "#" * 10**6):
        assert refuse(parse_equations, text) is None


@pytest.mark.parametrize("rule", ["(a + b + c + d + f + g)**40", "*".join(f"(a{n} + b{n})" for n in range(20))])
def test_rules_without_end(rule: str) -> None:
    assert refuse(lambda text: separate(text, lambda name: "pre"), rule) is None


def test_coupled_equations_do_not_stall_the_exact_method() -> None:
    names = [f"x{n}" for n in range(6)]
    text = "\n".join(f"d{name}/dt = ({' + '.join(f'{name}{o}*{o}' for o in names)})/second : 1" for name in names)
    text += "\n" + "\n".join(f"{name}{o} : 1" for name in names for o in names)
    with counted() as cost:
        assert NeuronModel(text).resolved_method == "euler"
    assert cost.calls < 5 * LIMIT
    assert refuse(lambda text: NeuronModel(text, method="exact"), text) is None


def test_a_steady_state_without_end_is_refused() -> None:
    current = "tanh(v) - v*sin(v)**2 + exp(x) - v**3 + cos(v)**5*tanh(v*x) - log(1 + v**2)*x"
    text = f"dv/dt = ({current})/second : 1\nx : 1"
    assert refuse(lambda text: steady_state(parse_equations(text).of("differential")), text) is None


# fmt: off
TOKENS = st.sampled_from([
    "v", "w", "x", "1", "0", "2.5", "1e9", "64", "e", "pi", "inf", "True", "t", "xi", "mV", " + ", " - ", "*",
    "/", "**", " % ", "(", ")", ",", " < ", " == ", " and ", "not ", ".", "[", "]", "'", " if ", ":", ";",
    "exp(", "log(", "floor(", "int(", "clip(", "tanh(", "sqrt(", "abs(", "rand()", "lambda ", "__", "=", "\\",
    "\n", "\x00",
])
# fmt: on


@settings(max_examples=300)
@given(st.lists(TOKENS, max_size=14).map("".join))
@example("int(True)")
@example("tan(pi/2)*v")
@example("int(v - v > 1)")
@example("(v - v)**-1")
@example("log(v - v)")
@example("clip(v, 0, inf)")
def test_whatever_the_text_it_is_a_model_or_a_refusal(text: str) -> None:
    refused = False
    with counted() as cost:
        try:
            NeuronModel(f"dv/dt = ({text})/second : 1\nw : 1\nx = v*w : 1")
        except NeurosimError:
            refused = True
    assert not refused or cost.calls < LIMIT


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_any_characters_at_all(text: str) -> None:
    for place in (parse_equations, parse_statements, check_expression, NeuronModel):
        with contextlib.suppress(NeurosimError):
            place(text)


@settings(max_examples=300)
@given(st.lists(TOKENS, max_size=10).map("".join))
def test_what_passes_is_rendered_as_arithmetic(text: str) -> None:
    try:
        check_expression(text)
    except NeurosimError:
        return
    import numpy

    expression_function("value", text).compile(numpy)
