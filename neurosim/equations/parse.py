"""Parse blocks of equation text into checked, frozen data.

The language is Brian2's: ``dv/dt = expression : unit (flags)``, ``name = expression : unit`` or
``name : unit (flags)``, with ``#`` comments; an equation goes on over lines until its unit. Statements (resets,
learning rules) are ``name = expression`` or an augmented assignment, over several lines within brackets.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from neurosim.equations.grammar import Place, check_expression, check_identifier, names_in
from neurosim.equations.growth import Growth, TooLarge, measure
from neurosim.equations.lines import ASSIGNED as _ASSIGNED
from neurosim.equations.lines import DIFFERENTIAL as _DIFFERENTIAL
from neurosim.equations.lines import Source, equation_lines, statement_lines
from neurosim.equations.reserved import FOREIGN_FLAGS, SPECIAL
from neurosim.errors import EquationError
from neurosim.suggestions import hint

Kind = Literal["differential", "subexpression", "parameter"]
#: Lines that are computed once a step, from the values at its beginning.
CONSTANT = "constant over dt"
FLAGS: dict[Kind, frozenset[str]] = {
    "differential": frozenset({"unless refractory"}),
    "subexpression": frozenset({CONSTANT}),
    "parameter": frozenset({"constant", "shared"}),
}
_UNIT_NODES = (
    *(ast.BinOp, ast.Name, ast.Load, ast.Constant, ast.UnaryOp),
    *(ast.Mult, ast.Div, ast.Pow, ast.USub),
)
_STATEMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*(\+=|-=|\*=|/=|=)(?!=)")


@dataclass(frozen=True)
class Equation:
    """One equation: the name it defines, expression (none for a parameter), unit and flags."""

    kind: Kind
    name: str
    expression: str | None
    unit: str
    flags: tuple[str, ...] = ()
    place: Place = field(default=Place(), compare=False, repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The names its expression refers to."""
        if self.expression is None:
            return frozenset()
        return names_in(ast.parse(self.expression, mode="eval").body)

    def __str__(self) -> str:
        flags = f" ({', '.join(self.flags)})" if self.flags else ""
        if self.kind == "parameter":
            return f"{self.name} : {self.unit}{flags}"
        left = f"d{self.name}/dt" if self.kind == "differential" else self.name
        return f"{left} = {self.expression} : {self.unit}{flags}"


@dataclass(frozen=True)
class Statement:
    """One assignment of a reset or a rule: ``target operator expression``."""

    target: str
    operator: str
    expression: str
    place: Place = field(default=Place(), compare=False, repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The names its expression refers to."""
        return names_in(ast.parse(self.expression, mode="eval").body)

    def __str__(self) -> str:
        return f"{self.target} {self.operator} {self.expression}"


@dataclass(frozen=True)
class EquationSet:
    """The equations of one model, in the order written."""

    equations: tuple[Equation, ...]

    def of(self, kind: Kind) -> tuple[Equation, ...]:
        """All equations of one kind."""
        return tuple(equation for equation in self.equations if equation.kind == kind)

    @functools.cached_property
    def by_name(self) -> Mapping[str, Equation]:
        """Each defined name with its equation."""
        return {equation.name: equation for equation in self.equations}

    def with_(self, *added: Equation) -> EquationSet:
        """These equations with others added; one of the same name is replaced in its place."""
        fresh = {equation.name: equation for equation in added}
        kept = tuple(fresh.pop(equation.name, equation) for equation in self.equations)
        return EquationSet(kept + tuple(fresh.values()))

    def __str__(self) -> str:
        return "\n".join(str(equation) for equation in self.equations)


def parse_equations(text: str) -> EquationSet:
    """Read a block of equations.

    Raises
    ------
    EquationError
        At the first line that is not one of the three forms, uses something outside the whitelist, or
        defines a name twice or a reserved one.
    """
    equations: list[Equation] = []
    seen: dict[str, int] = {}
    for source in equation_lines(text):
        equation = _parse_line(source)
        if equation.name in seen:
            start = source.place(source.indent)
            raise start.error(f"'{equation.name}' is defined twice; first on line {seen[equation.name]}")
        seen[equation.name] = source.number
        equations.append(equation)
    if not equations:
        raise EquationError("expected at least one equation, got an empty text")
    _refuse_endless(EquationSet(tuple(equations)))
    return EquationSet(tuple(equations))


def parse_statements(text: str, *, random: bool = False) -> tuple[Statement, ...]:
    """Read a block of assignments, one per line (or separated by ``;``).

    Raises
    ------
    EquationError
        At the first line that is not ``name operator expression`` with operator one of = += -= *= /=.
    """
    statements: list[Statement] = []
    for source in statement_lines(text):
        start = 0
        for piece in source.text.split(";"):
            if piece.strip():
                statements.append(_parse_statement(source, piece, start, random))
            start += len(piece) + 1
    return tuple(statements)


def parse_expression(text: str) -> tuple[str, Place]:
    """One expression, such as a threshold, on one line, and where it stands; it is not checked yet.

    Raises
    ------
    EquationError
        If it is no text.
    """
    sources = statement_lines(text, whole=True)
    if not sources:
        return "", Place(text=text)
    (source,) = sources
    return source.text.strip(), source.place(source.indent)


def unknown_names(names: Collection[str], known: Collection[str], place: Place, *, what: str) -> None:
    """Refuse names that nothing defines, suggesting the nearest known one.

    Raises
    ------
    EquationError
        For the first unknown name, with its column.
    """
    for name in sorted(set(names) - set(known)):
        near = hint(name, known)
        if name in SPECIAL:
            raise place.error(
                f"'{name}' is {SPECIAL[name]}, which cannot be read in {what}; known here: "
                f"{', '.join(sorted(known)) or 'nothing'}",
                place.find(name),
            )
        raise place.error(
            f"unknown name '{name}' in {what}{near} (known here: {', '.join(sorted(known)) or 'nothing'})",
            place.find(name),
        )


def _parse_line(source: Source) -> Equation:
    line, indent = source.text, source.indent
    start = source.place(indent)
    if ":" not in line:
        raise start.error("expected 'dv/dt = expression : unit', 'name = expression : unit' or 'name : unit'")
    body, unit_text = line.rsplit(":", 1)
    unit_begin = len(body) + 1 + len(unit_text) - len(unit_text.lstrip())
    unit, flags_text = unit_text.strip(), ""
    if unit.endswith(")") and "(" in unit and not unit.startswith("("):
        unit, flags_text = unit[:-1].split("(", 1)
        unit = unit.strip()
    held = CONSTANT in [flag.strip() for flag in flags_text.split(",")]
    kind, name, expression, place = _left_side(body, source, random=held)
    check_identifier(name, source.place(line.index(name, indent)))
    _check_unit_text(unit, source.place(unit_begin))
    if kind == "differential" and unit in ("integer", "boolean"):
        raise source.place(unit_begin).error(
            f"'{name}' has a differential equation and changes continuously; expected a unit, e.g. 1, got '{unit}'"
        )
    flags = tuple(flag.strip() for flag in flags_text.split(",") if flag.strip())
    for flag in flags:
        if flag not in FLAGS[kind]:
            where = source.place(line.index(flag, len(body)))
            if flag in FOREIGN_FLAGS:
                raise where.error(f"the flag '{flag}' is not allowed here: {FOREIGN_FLAGS[flag]}")
            raise where.error(
                f"the flag '{flag}' is not allowed for a {kind}; allowed are {', '.join(sorted(FLAGS[kind]))}"
            )
    return Equation(kind, name, expression, unit, flags, place)


def _left_side(body: str, source: Source, *, random: bool) -> tuple[Kind, str, str | None, Place]:
    stripped = body.strip()
    kind: Kind
    if match := _DIFFERENTIAL.match(stripped):
        kind = "differential"
    elif match := _ASSIGNED.match(stripped):
        kind = "subexpression"
    else:
        return "parameter", stripped, None, source.place(source.indent)
    rest = stripped[match.end() :]
    place = source.place(source.indent + match.end() + len(rest) - len(rest.lstrip()))
    expression = rest.strip()
    random &= kind == "subexpression"
    tree = check_expression(expression, place, random=random, counts=random)
    names = names_in(tree)
    if kind == "subexpression" and any(n == "xi" or n.startswith("xi_") for n in names):
        raise place.error("white noise xi may only stand in a differential equation")
    return kind, match.group(1), expression, place


def _parse_statement(source: Source, piece: str, start: int, random: bool) -> Statement:
    match = _STATEMENT.match(piece)
    place = source.place(start + len(piece) - len(piece.lstrip()))
    if not match:
        raise place.error("expected 'name = expression' or one of += -= *= /=")
    expression = piece[match.end() :].strip()
    inside = source.place(start + match.end() + len(piece[match.end() :]) - len(piece[match.end() :].lstrip()))
    check_expression(expression, inside, random=random)
    if "__" in match.group(1) or match.group(1).startswith("_"):
        raise place.error(f"'{match.group(1)}' cannot be assigned to")
    return Statement(match.group(1), match.group(2), expression, inside)


def _check_unit_text(unit: str, place: Place) -> None:
    """A unit is a product of names and integer powers; Brian2 looks the names up later."""
    if unit in ("1", "boolean", "integer"):
        return
    if not re.fullmatch(r"[A-Za-z0-9*/. -]{1,60}", unit):
        raise place.error(f"'{unit[:60]}' is not a unit; expected e.g. 1, volt, second, amp/second")
    for node in ast.walk(check_expression(unit, place)):
        power = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) else None
        if isinstance(power, ast.UnaryOp):
            power = power.operand
        if not isinstance(node, _UNIT_NODES) or not isinstance(power, ast.Constant | None):
            raise place.error(f"'{unit}' is not a unit; expected a product of units, e.g. volt/second")


def _refuse_endless(equations: EquationSet) -> None:
    """Refuse circular subexpressions, and those whose products grow too large."""
    waiting = {equation.name: equation for equation in equations.of("subexpression")}
    sizes: dict[str, Growth] = {}
    while waiting:
        ready = [equation for equation in waiting.values() if not equation.names & waiting.keys()]
        if not ready:
            place = next(iter(waiting.values())).place
            raise place.error(
                f"the subexpressions {', '.join(sorted(waiting))} need each other; make one a differential equation"
            )
        for equation in ready:
            sizes[equation.name] = _size(equation, sizes)
            del waiting[equation.name]
    for equation in equations.of("differential"):
        _size(equation, sizes)


def _size(equation: Equation, sizes: Mapping[str, Growth]) -> Growth:
    """Bounds on an equation; values of constants count, so that division by them is checked."""
    try:
        size = measure(ast.parse(equation.expression or "0", mode="eval").body, sizes)
    except TooLarge as error:
        raise equation.place.error(str(error), error.column) from None
    if bool(size.boolean) != (equation.unit == "boolean") and size.boolean is not None:
        expected = "a condition" if equation.unit == "boolean" else "a number; write int(condition)"
        raise equation.place.error(f"the right-hand side of '{equation.name}' should be {expected}")
    return size
