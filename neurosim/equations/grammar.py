"""The whitelist between equation text and anything that evaluates it.

Equation text is data. Before Brian2, sympy or the array-code compiler see an expression, every node of
its syntax tree, every name of a called function and every number has passed `check_expression`. The
checks are purely syntactic and linear in the length of the text, so that refusing hostile text costs
nothing: no expression is simplified, nor evaluated in anything but floats, before it has passed.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import cast

from neurosim.equations.growth import CONSTANTS as CONSTANTS
from neurosim.equations.growth import TooLarge, measure
from neurosim.equations.reserved import COUNT_FUNCTIONS, DRAWING_FUNCTIONS, FOREIGN_FUNCTIONS, meaning_of
from neurosim.equations.reserved import FUNCTIONS as FUNCTIONS
from neurosim.equations.reserved import RANDOM_FUNCTIONS as RANDOM_FUNCTIONS
from neurosim.errors import EquationError, UnitError
from neurosim.suggestions import nearest

MAX_BLOCK, MAX_EXPRESSION, MAX_DEPTH, MAX_NODES, MAX_EXPONENT = 20_000, 4_000, 40, 1_000, 64

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod)
_UNARY = (ast.UAdd, ast.USub, ast.Not)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_ALLOWED = "numbers, names, + - * / ** %, comparisons, and, or, not, and calls of " + ", ".join(
    sorted(FUNCTIONS | DRAWING_FUNCTIONS)
)
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class Place:
    """The place of a piece of text: the line (from 1), the column of its first character, the whole line.

    Of text over several lines, `rest` has for each further line how many characters of the text are before it, its
    number, the column and the whole line.
    """

    line: int = 1
    column: int = 1
    text: str | None = None
    rest: tuple[tuple[int, int, int, str], ...] = ()

    def at(self, offset: int) -> Place:
        """The place so many characters further on."""
        for begin, line, column, text in reversed(self.rest):
            if offset >= begin:
                return Place(line, column + offset - begin, text)
        return Place(self.line, self.column + offset, self.text)

    def find(self, name: str) -> int:
        """The distance to a name in characters; zero if it does not occur."""
        pieces = [(0, self.column, self.text or ""), *((begin, column, text) for begin, _, column, text in self.rest)]
        for begin, column, text in pieces:
            if match := re.search(rf"\b{re.escape(name)}\b", text[column - 1 :]):
                return begin + match.start()
        return 0

    def error(self, message: str, offset: int = 0) -> EquationError:
        """An error at `offset` characters to the right of this place."""
        place = self.at(offset)
        return EquationError(message, line=place.line, column=place.column, text=place.text)

    def unit_error(self, message: str, offset: int = 0) -> UnitError:
        """An error about the units of what begins here."""
        place = self.at(offset)
        return UnitError(message, line=place.line, column=place.column, text=place.text)


def check_identifier(name: str, place: Place, *, offset: int = 0) -> None:
    """Refuse names that cannot be a user's variable: malformed, or with a meaning of their own.

    Raises
    ------
    EquationError
        With the place, and what the name means.
    """
    meaning = meaning_of(name)
    if meaning is not None:
        raise place.error(
            f"'{name}' is {meaning} and cannot be the name of a variable; rename it, e.g. to '{name}_0'", offset
        )
    if not _IDENTIFIER.match(name) or "__" in name or len(name) > 100:
        raise place.error(
            f"'{name[:100]}' cannot be a variable name; expected a letter followed by letters, digits and "
            "single underscores",
            offset,
        )
    if name.endswith(("_pre", "_post")):
        raise place.error(
            f"'{name}' ends in _pre or _post, which say on which side of a synapse a variable lives", offset
        )


def check_expression(text: str, place: Place | None = None, *, random: bool = False, counts: bool = False) -> ast.expr:
    """Parse one expression and refuse everything that is not plain arithmetic.

    Parameters
    ----------
    text
        The expression, one line.
    place
        Where it stands in the user's text, for the error message.
    random
        Whether `rand()` and `randn()` may be called.
    counts
        Whether `poisson()` and `binomial()` may be.

    Returns
    -------
    ast.expr
        The syntax tree, all of whose nodes are on the whitelist.

    Raises
    ------
    EquationError
        Naming line, column, what was got and what is allowed.
    """
    place = place or Place(text=text)
    if not isinstance(cast(object, text), str):
        raise EquationError(f"an expression is text, got {type(text).__name__} {text!r:.60}")
    stripped = text.strip()
    if not stripped:
        raise place.error("expected an expression, got nothing")
    if len(stripped) > MAX_EXPRESSION:
        raise place.error(f"an expression of {len(stripped)} characters; allowed are {MAX_EXPRESSION}")
    if not stripped.isascii():
        bad = next(i for i, c in enumerate(stripped) if not c.isascii())
        raise place.error(f"character {stripped[bad]!r} is not allowed; expected plain ASCII", bad)
    _check_nesting(stripped, place)
    try:
        tree = ast.parse(stripped, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = (getattr(error, "offset", None) or 1) - 1
        reason = error.msg if isinstance(error, SyntaxError) else "too deeply nested"
        raise place.error(f"cannot be read as an expression ({reason}); allowed are {_ALLOWED}", column) from None
    functions = FUNCTIONS | (RANDOM_FUNCTIONS if random else {}) | (COUNT_FUNCTIONS if counts else {})
    count = 0
    stack: list[tuple[ast.expr, int]] = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise place.error(
                f"the expression is too deeply nested or too long (allowed: depth {MAX_DEPTH}, {MAX_NODES} terms)",
                node.col_offset,
            )
        stack.extend((child, depth + 1) for child in _checked_children(node, place, functions))
    try:
        measure(tree, {})
    except TooLarge as error:
        raise place.error(str(error), error.column) from None
    return tree


def names_in(tree: ast.expr) -> frozenset[str]:
    """The names an expression refers to, without those of called functions."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called)


def _check_nesting(text: str, place: Place) -> None:
    """Bound nesting before the parser sees the text: its own limits end in memory errors."""
    depth = 0
    for column, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_DEPTH:
            raise place.error(f"brackets nested deeper than {MAX_DEPTH}", column)
    run = re.search(rf"(?:[-+~]\s*){{{MAX_DEPTH}}}", text) or re.search(rf"(?:not\s+){{{MAX_DEPTH}}}", text)
    if run:
        raise place.error(f"more than {MAX_DEPTH} signs in a row", run.start())


def _checked_children(node: ast.expr, place: Place, functions: dict[str, int]) -> list[ast.expr]:
    """The sub-expressions of a node, after the node itself has passed."""
    at = node.col_offset
    match node:
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
            if isinstance(op, ast.Pow):
                _check_power(left, right, place)
            return [left, right]
        case ast.BinOp(op=ast.BitXor()):
            raise place.error("'^' is not a power here; write ** instead", at)
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()) | ast.UnaryOp(op=ast.Invert()):
            raise place.error("write 'and', 'or', 'not' instead of &, |, ~", at)
        case ast.UnaryOp(op=op, operand=operand) if isinstance(op, _UNARY):
            return [operand]
        case ast.BoolOp(values=values):
            return values
        case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, _COMPARISONS):
            return [left, right]
        case ast.Compare(ops=ops) if len(ops) > 1:
            raise place.error("comparisons cannot be chained; write 'a < b and b < c'", at)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            _check_call(name, len(args), at, place, functions)
            return args
        case ast.Name(id=name):
            _check_name(name, at, place)
            return []
        case ast.Constant(value=bool()):
            return []
        case ast.Constant(value=int() | float() as value):
            if not abs(value) <= 1e30:  # not a number compares false; a huge int has no float
                raise place.error("the number is too large; allowed are magnitudes up to 1e30", at)
            return []
        case _:
            pass
    kind = {"Attribute": "attribute access (a dot)", "Subscript": "indexing with [...]"}.get(
        type(node).__name__, f"Python's {type(node).__name__}"
    )
    raise place.error(f"{kind} is not allowed; allowed are {_ALLOWED}", at)


def _check_call(name: str, count: int, at: int, place: Place, functions: dict[str, int]) -> None:
    """Refuse a call of an unknown function, or with another number of arguments."""
    if name not in functions:
        if name in RANDOM_FUNCTIONS:
            raise place.error(
                f"'{name}()' is allowed in thresholds and resets only, and in a line that is drawn once a step, "
                f"'x = {name}() : 1 (constant over dt)'; in a differential equation write xi",
                at,
            )
        if name in COUNT_FUNCTIONS:
            raise place.error(
                f"'{name}()' is allowed in a line of its own only, which is drawn once a step: "
                f"'x = {name}(...) : 1 (constant over dt)'; read x here",
                at,
            )
        near = nearest(name, functions)
        hint = f" (did you mean '{near}'?)" if near else ""
        allowed = ", ".join(sorted(functions))
        raise place.error(f"'{name[:60]}' is not a known function{hint}; allowed are {allowed}", at)
    if count != functions[name]:
        raise place.error(f"{name}() takes {functions[name]} argument(s), got {count}", at)


def _check_name(name: str, at: int, place: Place) -> None:
    """Refuse a name that is reserved, or that of a function."""
    if "__" in name or name.startswith("_"):
        raise place.error(f"the name '{name[:60]}' is not allowed: it starts with or holds underscores", at)
    if name in FUNCTIONS or name in DRAWING_FUNCTIONS:
        count = (FUNCTIONS | DRAWING_FUNCTIONS)[name]
        raise place.error(f"'{name}' is a function; call it with {count} argument(s)", at)
    if name in FOREIGN_FUNCTIONS:
        raise place.error(f"'{name}' is {meaning_of(name)}, which the language does not have", at)


def _check_power(base: ast.expr, exponent: ast.expr, place: Place) -> None:
    """Bound powers so that no exact arithmetic on them can blow up.

    An exponent is a number of at most `MAX_EXPONENT`, or a name, possibly with one sum or product: with
    anything longer, terms may cancel and leave a huge integer power behind.
    """
    at = exponent.col_offset
    hint = f"write exp(y*log(x)), or an exponent that is a name or a number up to {MAX_EXPONENT}"
    inner = exponent.operand if isinstance(exponent, ast.UnaryOp) else exponent
    parts = [inner]
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        parts = [inner.left, inner.right]
        if isinstance(inner.op, ast.Sub | ast.Div) and all(isinstance(p, ast.Name) for p in parts):
            raise place.error(f"this exponent is not allowed; {hint}", at)
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, int | float):
            if abs(part.value) > MAX_EXPONENT:
                raise place.error(f"the exponent {part.value!r:.40} is too large; {hint}", at)
        elif not isinstance(part, ast.Name):
            raise place.error(f"this exponent is not allowed; {hint}", at)
    if not any(isinstance(node, ast.Name) for node in ast.walk(base)) and any(
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) for node in ast.walk(base)
    ):
        raise place.error("a power of a constant power is not allowed; write its value", base.col_offset)
