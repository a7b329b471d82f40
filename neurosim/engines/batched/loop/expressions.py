"""Array functions as lines of scalar code; what does not change in the loop is taken out of it.

(Over 300 lines: one walk over expressions, whose cases have to be seen together.)
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.equations.array_code import ArrayFunction

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%", ast.Pow: "**"}
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
#: Functions under the names by which Numba compiles them fastest.
_PLAIN = {"abs": "abs", "arcsin": "math.asin", "arccos": "math.acos", "arctan": "math.atan"}
_PLAIN |= {name: f"math.{name}" for name in ("exp", "log", "log10", "sqrt", "expm1", "log1p", "sin", "cos", "tan")}
_PLAIN |= {name: f"math.{name}" for name in ("sinh", "cosh", "tanh")}
#: Up to this exponent a whole power is written as products.
_LARGEST_POWER = 64


@dataclass(frozen=True)
class Value:
    """What an expression is within the loop.

    Attributes
    ----------
    text
        Scalar code, or for what does not change in the loop, array code in names of what is given.
    still
        Whether it does not change in the loop.
    truth
        Whether it is true or false, and no number.
    number
        The number that it is, of a literal.
    """

    text: str
    still: bool = False
    truth: bool = False
    number: float | None = None


def literal(number: float | bool) -> Value:
    """A number of the text."""
    return Value(repr(number), still=True, truth=isinstance(number, bool), number=float(number))


@dataclass(frozen=True)
class Extent:
    """Of which axes an array has more than one."""

    trials: bool = False
    neurons: bool = False

    def __or__(self, other: Extent) -> Extent:
        return Extent(self.trials or other.trials, self.neurons or other.neurons)


@dataclass
class Still:
    """What does not change in the loop: arrays that are given, and expressions of them, computed before it.

    Attributes
    ----------
    given
        Qualified name -> the name in text, and the extent of its array.
    computed
        Name in text -> its expression, whether in double precision, and the names in it.
    extents
        Name in text -> extent.
    truths
        Names in text of what is true or false.
    used
        Names in text that the loop itself reads.
    double
        Whether the run is in double precision.
    numbers
        Numbers -> their names in text, as far as they need one.
    """

    shapes: Mapping[str, tuple[int, ...]]
    given: dict[str, str] = field(default_factory=dict)
    computed: dict[str, tuple[str, bool, tuple[str, ...]]] = field(default_factory=dict)
    extents: dict[str, Extent] = field(default_factory=dict)
    truths: set[str] = field(default_factory=set)
    used: dict[str, None] = field(default_factory=dict)
    double: bool = True
    numbers: dict[float, str] = field(default_factory=dict)

    def number(self, number: float, wide: bool = False) -> str:
        """The name or the text of a number in the precision of the run, or in double precision."""
        if (wide or self.double) and math.isfinite(number):
            return repr(float(number))
        return self.numbers.setdefault(float(number), f"c{len(self.numbers)}")

    def read(self, name: str) -> Value:
        """A variable that is given."""
        if name not in self.given:
            local = f"g{len(self.given)}"
            self.given[name] = local
            self.extents[local] = extent_of(self.shapes[name])
        return Value(self.given[name], still=True)

    def named(self, value: Value, wide: bool) -> str:
        """The name under which the loop finds a value."""
        name = self._named(value, wide)
        self.used[name] = None
        return name

    def _named(self, value: Value, wide: bool) -> str:
        if value.text in self.given.values() and not wide:
            return value.text
        for name, (text, double, _) in self.computed.items():
            if (text, double) == (value.text, wide):
                return name
        name = f"h{len(self.computed)}"
        names = sorted({n.id for n in ast.walk(ast.parse(value.text)) if isinstance(n, ast.Name)} & self.extents.keys())
        self.computed[name] = (value.text, wide, tuple(names))
        self.extents[name] = Extent()
        for each in names:
            self.extents[name] |= self.extents[each]
        if value.truth:
            self.truths.add(name)
        return name

    def evaluate(self, arrays: Mapping[str, np.ndarray], dtype: Any) -> dict[str, np.ndarray]:
        """All of them, from the given arrays by their name in text."""
        prepared = dict(arrays)
        for name, (text, wide, names) in self.computed.items():
            kind = np.dtype(np.float64) if wide else np.dtype(dtype)
            function = ArrayFunction("still", names, ("still",), f"def still({', '.join(names)}):\n    return {text}\n")
            with np.errstate(all="ignore"):
                value = function.compile(np)(**{each: arrays[each].astype(kind) for each in names})
            prepared[name] = np.asarray(value).astype(bool if name in self.truths else kind)
        return prepared


def extent_of(shape: tuple[int, ...]) -> Extent:
    """Of an array whose axes are (trial, neuron)."""
    return Extent(len(shape) > 1 and shape[-2] > 1, len(shape) > 0 and shape[-1] > 1)


class Scalars:
    """Writes scalar code for one neuron.

    Parameters
    ----------
    still
        What does not change.
    prefix
        Of the names of its own.
    index
        The name of the neuron's number.
    """

    def __init__(self, still: Still, prefix: str, index: str = "i") -> None:
        self.still, self.prefix, self.index = still, prefix, index
        self.lines: list[str] = []
        self.loaded: dict[str, str] = {}
        self.known: dict[str, str] = {}

    def call(self, function: ArrayFunction, values: Mapping[str, Value], *, wide: bool = False) -> dict[str, Value]:
        """Write what a function computes; gives its results by name.

        Parameters
        ----------
        values
            Of its arguments.
        wide
            Whether it is computed in double precision, whatever that of the run.
        """
        body = ast.parse(function.source).body[0]
        assert isinstance(body, ast.FunctionDef)
        known = {name: self._widened(value) if wide else value for name, value in values.items()}
        writer = _Expression(self, known, wide)
        for statement in body.body:
            if isinstance(statement, ast.Assign):
                assert isinstance(statement.targets[0], ast.Name)
                known[statement.targets[0].id] = self.kept(writer.of(statement.value), wide)
            elif isinstance(statement, ast.Return):
                assert statement.value is not None
                results = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
                computed = [writer.of(result) for result in results]
                if wide:
                    computed = [self._narrowed(value) for value in computed]
                return dict(zip(function.returns, computed, strict=True))
        raise AssertionError("a function returns")

    def kept(self, value: Value, wide: bool = False) -> Value:
        """The value under a name, so that it is computed once."""
        if value.still or value.text.isidentifier():
            return value
        return Value(self.local(value.text), truth=value.truth)

    def local(self, text: str) -> str:
        """The name of the value of some text, which is computed once."""
        if text not in self.known:
            self.known[text] = f"{self.prefix}_{len(self.known)}"
            self.lines.append(f"{self.known[text]} = {text}")
        return self.known[text]

    def loaded_as(self, what: str, text: str) -> str:
        """The name of something read once."""
        if what not in self.loaded:
            self.loaded[what] = self.local(text)
        return self.loaded[what]

    def use(self, value: Value, wide: bool = False) -> str:
        """The value as scalar code."""
        if not value.still:
            return value.text
        if value.number is not None and not value.truth:
            return self.still.number(value.number, wide)
        if value.number is not None:
            return value.text
        name = self.still.named(value, wide)
        if self.still.extents[name].neurons:
            return self.loaded_as(name, f"{name}[{self.index}]")
        return name

    def condition(self, value: Value, wide: bool = False) -> str:
        """The value as scalar code that is true or false."""
        text = self.use(value, wide)
        return text if value.truth else f"({text} != {self.still.number(0.0, wide)})"

    def chosen(self, condition: str, yes: Value, no: Value, wide: bool = False) -> Value:
        """One of two values, both of them computed, so that loops over neurons stay without branches."""
        if yes == no:
            return yes
        truth = yes.truth and no.truth
        texts = [self.condition(value, wide) if truth else self.use(value, wide) for value in (yes, no)]
        names = [self.local(text) if "(" in text else text for text in texts]
        return Value(f"({names[0]} if {condition} else {names[1]})", truth=truth)

    def _widened(self, value: Value) -> Value:
        return value if value.still or value.truth else Value(f"np.float64({value.text})")

    def _narrowed(self, value: Value) -> Value:
        return value if value.truth else Value(f"f({self.use(value, True)})")


class _Expression:
    """Turns one expression of an array function into a value."""

    def __init__(self, scalars: Scalars, known: Mapping[str, Value], wide: bool) -> None:
        self.scalars, self.known, self.wide = scalars, known, wide

    def of(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, bool | int | float)
            return literal(node.value)
        if isinstance(node, ast.Name):
            return Value("inf", still=True, number=float("inf")) if node.id == "inf" else self.known[node.id]
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.Compare):
            left, right, sign = self.of(node.left), self.of(node.comparators[0]), _COMPARISONS[type(node.ops[0])]
            if left.still and right.still:
                return Value(f"({left.text} {sign} {right.text})", still=True, truth=True)
            return Value(f"({self._use(left)} {sign} {self._use(right)})", truth=True)
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        return self._call(node.func.id, [self.of(argument) for argument in node.args])

    def _use(self, value: Value) -> str:
        return self.scalars.use(value, self.wide)

    def _unary(self, node: ast.UnaryOp) -> Value:
        sign, value = "-" if isinstance(node.op, ast.USub) else "+", self.of(node.operand)
        if value.still:
            number = None if value.number is None else -value.number if sign == "-" else value.number
            return Value(f"({sign}{value.text})", still=True, number=number)
        return Value(f"({sign}{value.text})")

    def _binary(self, node: ast.BinOp) -> Value:
        left, right, sign = self.of(node.left), self.of(node.right), _OPERATORS[type(node.op)]
        if left.still and right.still:
            return Value(f"({left.text} {sign} {right.text})", still=True)
        if sign == "**" and right.number is not None and _is_small_whole(right.number):
            return self._power(left, int(right.number))
        return Value(f"({self._use(left)} {sign} {self._use(right)})")

    def _power(self, base: Value, exponent: int) -> Value:
        """A whole power as products, by squares."""
        if exponent == 0:
            return literal(1.0)
        square, product, left = self.scalars.kept(base).text, "", abs(exponent)
        while left:
            if left & 1:
                product = square if not product else self.scalars.local(f"{product} * {square}")
            left >>= 1
            if left:
                square = self.scalars.local(f"{square} * {square}")
        return Value(product if exponent > 0 else f"({self.scalars.still.number(1.0, self.wide)} / {product})")

    def _call(self, name: str, values: list[Value]) -> Value:
        truth = name.startswith("logical_")
        if all(value.still for value in values):
            return Value(f"{name}({', '.join(value.text for value in values)})", still=True, truth=truth)
        if name == "where" and values[0].truth and values[0].number is not None:
            return values[1] if values[0].number else values[2]
        if name == "where":
            condition = self.scalars.kept(Value(self.scalars.condition(values[0], self.wide), truth=True)).text
            return self.scalars.chosen(condition, values[1], values[2], self.wide)
        if truth:
            return Value(_logic(name, [self.scalars.condition(value, self.wide) for value in values]), truth=True)
        if name == "number":
            return self._number(values[0])
        if name == "clip":
            return self._clip(*values)
        texts = ", ".join(map(self._use, values))
        if name == "exprel":
            return Value(f"exprel({texts})" if self.wide or self.scalars.still.double else f"f(exprel({texts}))")
        if name in _PLAIN:
            return Value(f"{_PLAIN[name]}({texts})")
        return Value(f"np.{name}({texts})")

    def _number(self, value: Value) -> Value:
        if value.truth:
            one, zero = self.scalars.still.number(1.0, self.wide), self.scalars.still.number(0.0, self.wide)
            return Value(f"({one} if {self._use(value)} else {zero})")
        return Value(f"np.trunc({self._use(value)})")

    def _clip(self, value: Value, low: Value, high: Value) -> Value:
        # What is not a number stays so, as with NumPy.
        number, least, most = (self.scalars.kept(Value(self._use(each))).text for each in (value, low, high))
        above = self.scalars.local(f"({least} if {number} < {least} else {number})")
        return Value(f"({most} if {above} > {most} else {above})")


def _is_small_whole(number: float) -> bool:
    return number.is_integer() and abs(number) <= _LARGEST_POWER


def _logic(name: str, texts: list[str]) -> str:
    if name == "logical_not":
        return f"(not {texts[0]})"
    return f"({texts[0]} {'&' if name == 'logical_and' else '|'} {texts[1]})"
