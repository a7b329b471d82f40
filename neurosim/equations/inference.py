"""Infer undeclared units of names from the expressions that use them.

A plain learning rate has whatever unit makes an update fit its weight. Units are products of powers, so that what each
addition and comparison demands is linear in the exponents, and solved as such (Kennedy 1997, POPL 24:442).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from neurosim.equations.brian import DIMENSIONLESS, get_or_create_dimension
from neurosim.equations.dimensions import shown_unit
from neurosim.equations.grammar import Place
from neurosim.equations.reserved import FUNCTIONS
from neurosim.units import dimension_text
from neurosim.untyped import BrianDimension

#: Functions whose result has the unit of their first argument, and those whose result has none whatever it is.
_KEEPING, _FREE = {"abs", "floor", "ceil", "clip"}, {"sign"}


@dataclass(frozen=True)
class Form:
    """A unit: exponents of the base units, and powers of units that are not known."""

    known: tuple[Fraction, ...] = (Fraction(0),) * 7
    unknown: tuple[tuple[str, Fraction], ...] = ()
    truth: bool = False

    def times(self, other: Form, power: Fraction = Fraction(1)) -> Form:
        """The product with a power of another unit."""
        powers = dict(self.unknown)
        for name, exponent in other.unknown:
            powers[name] = powers.get(name, Fraction(0)) + power * exponent
        known = tuple(a + power * b for a, b in zip(self.known, other.known, strict=True))
        return Form(known, tuple(sorted((name, p) for name, p in powers.items() if p)))

    def to(self, power: Fraction) -> Form:
        """A power of this unit."""
        return Form().times(self, power)


NO_UNIT, TRUTH = Form(), Form(truth=True)


def form_of(dimension: BrianDimension) -> Form:
    """The unit of a Brian2 dimension."""
    return Form(tuple(Fraction(float(power)).limit_denominator(64) for power in dimension._dims))


def free(name: str) -> Form:
    """The unknown unit of a name."""
    return Form(unknown=((name, Fraction(1)),))


@dataclass
class Inference:
    """Known units, and demands of expressions on unknown ones.

    Attributes
    ----------
    names
        The unit of each name.
    solved
        Units that were unknown, in terms of others.
    """

    names: Mapping[str, Form]
    solved: dict[str, Form] = field(default_factory=dict[str, Form])

    def resolved(self, form: Form) -> Form:
        """The unit with all known parts substituted."""
        result = Form(form.known, truth=form.truth)
        for name, power in form.unknown:
            result = result.times(self.solved.get(name, free(name)), power)
        return result if not form.truth else form

    def fits(self, one: Form, other: Form) -> bool:
        """Whether two units are, or can be, the same; if so, unify them."""
        if one.truth or other.truth:
            return one.truth == other.truth
        ratio = self.resolved(one).times(self.resolved(other), Fraction(-1))
        if not ratio.unknown:
            return not any(ratio.known)
        name, power = ratio.unknown[0]
        rest = Form(ratio.known, ratio.unknown[1:]).to(-1 / power)
        self.solved = {other: self._put(form, name, rest) for other, form in self.solved.items()} | {name: rest}
        return True

    def _put(self, form: Form, name: str, rest: Form) -> Form:
        power = dict(form.unknown).get(name)
        if power is None:
            return form
        return Form(form.known, tuple(each for each in form.unknown if each[0] != name)).times(rest, power)

    def shown(self, form: Form) -> str:
        """A unit for a message."""
        resolved = self.resolved(form)
        if resolved.truth:
            return "a truth value"
        powers = [int(power) if power.denominator == 1 else float(power) for power in resolved.known]
        dimension = get_or_create_dimension(powers) if any(powers) else DIMENSIONLESS
        parts = [name if power == 1 else f"{name}**{power}" for name, power in resolved.unknown]
        unit = shown_unit(dimension)
        return unit if not parts else f"{unit} times that of {'*'.join(parts)}"

    def unit_text(self, form: Form) -> str:
        """A known unit as a product of base units."""
        powers = [int(power) if power.denominator == 1 else float(power) for power in form.known]
        return dimension_text(get_or_create_dimension(powers) if any(powers) else DIMENSIONLESS)

    def unit(self, expression: str, place: Place) -> Form:
        """The unit of a checked expression.

        Raises
        ------
        UnitError
            Where units that are written down cannot fit, naming both.
        """
        return self._walk(ast.parse(expression, mode="eval").body, place)

    def _walk(self, node: ast.expr, place: Place) -> Form:
        match node:
            case ast.Name(id=name):
                return self.names[name]
            case ast.Constant(value=value):
                return TRUTH if isinstance(value, bool) else NO_UNIT
            case ast.UnaryOp(op=op, operand=operand):
                inner = self._walk(operand, place)
                self._demand(node, inner.truth == isinstance(op, ast.Not), "mixes truth values and numbers", place)
                return inner
            case ast.BoolOp(values=values):
                for value in values:
                    self._demand(value, self._walk(value, place).truth, "is no condition", place)
                return TRUTH
            case ast.Compare(left=left, comparators=[right]):
                self._alike(node, left, right, place)
                return TRUTH
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mod(), right=right):
                return self._alike(node, left, right, place)
            case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
                one, other = self._number(left, place), self._number(right, place)
                return one.times(other, Fraction(1 if isinstance(op, ast.Mult) else -1))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(left, right, place)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._call(node, name, args, place)
            case _:
                pass
        raise place.error("is not arithmetic", node.col_offset)

    def _number(self, node: ast.expr, place: Place) -> Form:
        form = self._walk(node, place)
        self._demand(node, not form.truth, "is a truth value; write int(condition)", place)
        return form

    def _alike(self, node: ast.expr, left: ast.expr, right: ast.expr, place: Place) -> Form:
        one, other = self._number(left, place), self._number(right, place)
        if not self.fits(one, other):
            raise place.unit_error(
                f"'{ast.unparse(left)}' has unit {self.shown(one)}, and '{ast.unparse(right)}' has unit "
                f"{self.shown(other)}; terms that are added or compared need one unit",
                right.col_offset,
            )
        return one

    def _power(self, left: ast.expr, right: ast.expr, place: Place) -> Form:
        base = self._number(left, place)
        try:
            exponent = Fraction(float(ast.literal_eval(right))).limit_denominator(10**6)
        except (ValueError, TypeError, SyntaxError):
            for part in (left, right):
                self._without(part, self._number(part, place), "in a power whose exponent is no number", place)
            return NO_UNIT
        return base.to(exponent)

    def _call(self, node: ast.Call, name: str, args: list[ast.expr], place: Place) -> Form:
        if name == "int":
            forms = self._walk(args[0], place)
            if not forms.truth:
                self._without(args[0], forms, "inside int()", place)
            return NO_UNIT
        forms = [self._number(argument, place) for argument in args]
        if name in _KEEPING:
            for argument in args[1:]:
                self._alike(node, args[0], argument, place)
            return forms[0]
        if name == "sqrt":
            return forms[0].to(Fraction(1, 2))
        for argument, form in zip(args, forms, strict=True) if name in FUNCTIONS.keys() - _FREE else ():
            self._without(argument, form, f"inside {name}()", place)
        return NO_UNIT

    def _without(self, node: ast.expr, form: Form, where: str, place: Place) -> None:
        if not self.fits(form, NO_UNIT):
            raise place.unit_error(
                f"'{ast.unparse(node)}' has unit {self.shown(form)}; expected none {where}", node.col_offset
            )

    def _demand(self, node: ast.expr, condition: bool, message: str, place: Place) -> None:
        if not condition:
            raise place.error(f"'{ast.unparse(node)}' {message}", node.col_offset)
