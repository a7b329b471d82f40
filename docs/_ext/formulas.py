"""Equation text of neurons, rules and readouts as LaTeX, by sympy.

Names of variables become symbols: Greek letters by their names, ``_pre`` and ``_post`` the indices j and i of the
neurons at the ends of a synapse, ``w`` the weight between them, further parts of a name its subscript.
"""

from __future__ import annotations

import sympy
from sympy.printing.latex import LatexPrinter

from neurosim.equations.brian import str_to_sympy
from neurosim.equations.parse import Equation, Statement, parse_equations, parse_statements
from neurosim.errors import NeurosimError

#: Names that papers write in one letter, and those that are so only in the text of a synapse.
_LETTERS = {"learning_rate": r"\eta", "noise": r"\xi", "loss": "L", "dt": r"\Delta t"}
_WEIGHTS = {"w": "w_{ij}", "w_reciprocal": "w_{ji}"}
_INDICES = {"pre": "j", "post": "i"}
_GREEK = frozenset(
    (
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu"),
        *("xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"),
    )
)
#: Digits of a constant from which it is rather a fraction.
_LONG = 6


class _Printer(LatexPrinter):
    """What Brian2's functions look like."""

    def _print_Function(self, expr: sympy.Function, exp: str | None = None) -> str:
        name, arguments = type(expr).__name__.strip("_"), ", ".join(self._print(each) for each in expr.args)
        # One where a condition holds, else zero: brackets of Iverson.
        forms = {
            "int": rf"\left[ {arguments} \right]",
            "log1p": rf"\ln \left( 1 + {arguments} \right)",
            "expm1": rf"\left( e^{{{arguments}}} - 1 \right)",
        }
        if name not in forms and isinstance(expr, sympy.core.function.AppliedUndef):
            forms[name] = rf"\operatorname{{{name}}} \left( {arguments} \right)"
        if name not in forms:
            return super()._print_Function(expr, exp)
        return forms[name] if exp is None else rf"{{{forms[name]}}}^{{{exp}}}"


def symbol(name: str, *, synapse: bool = False) -> str:
    """A variable's name as LaTeX.

    Parameters
    ----------
    name
        As the text has it.
    synapse
        Whether the text is that of a synapse, whose ``w`` is a weight.

    Examples
    --------
    >>> symbol("tau_m"), symbol("delta_held_pre"), symbol("learning_rate"), symbol("drive")
    ('\\\\tau_{m}', '\\\\delta_{j,\\\\text{held}}', '\\\\eta', '\\\\text{drive}')
    """
    letters = _LETTERS | _WEIGHTS if synapse else _LETTERS
    if name in letters:
        return letters[name]
    base, *parts = name.split("_")
    index = [_INDICES[parts.pop()]] if parts and parts[-1] in _INDICES else []
    shown = _LETTERS.get("_".join([base, *parts]))
    if shown is None and len(base) > 1 and base not in _GREEK:
        # A name in words stays as it is.
        shown = rf"\text{{{' '.join([base, *parts])}}}"
    if shown is not None:
        return f"{shown}_{{{index[0]}}}" if index else shown
    subscript = ",".join([*index, *([_subscript(parts)] if parts else [])])
    letter = rf"\{base}" if base in _GREEK else base
    return f"{letter}_{{{subscript}}}" if subscript else letter


def _subscript(parts: list[str]) -> str:
    """The rest of a name: a letter or number as it is, words upright."""
    return parts[0] if len(parts) == 1 and len(parts[0]) == 1 else rf"\text{{{' '.join(parts)}}}"


def expression(text: str, *, synapse: bool = False) -> str:
    """The right side of an equation as LaTeX.

    Raises
    ------
    ValueError
        It is no algebra that sympy reads.
    """
    try:
        tree = str_to_sympy(text)
    except (NeurosimError, SyntaxError, TypeError, ValueError, AttributeError, NotImplementedError) as error:
        raise ValueError(f"'{text}': {error}") from error
    long = {each: _fraction(each) for each in tree.atoms(sympy.Float) if len(f"{float(each):.15g}") > _LONG}
    named = {each: symbol(each.name, synapse=synapse) for each in tree.free_symbols}
    settings = {"symbol_names": named, "order": "none", "mul_symbol": r" \, ", "ln_notation": True}
    return str(_Printer(settings).doprint(tree.xreplace(long)))


def _fraction(number: sympy.Float) -> sympy.Rational:
    """A constant that sympy divided out, as it was written."""
    return sympy.Rational(float(number)).limit_denominator(10_000)


def equations(text: str, *, synapse: bool = False) -> list[str]:
    """Each equation of a block that defines something, as LaTeX; inputs and parameters are left out."""
    found = parse_equations(text).equations if text.strip() else ()
    return [_equation(each, synapse) for each in found if each.expression is not None]


def _equation(found: Equation, synapse: bool) -> str:
    name = symbol(found.name, synapse=synapse)
    left = rf"\frac{{d{name}}}{{dt}}" if found.kind == "differential" else name
    return f"{left} &= {expression(found.expression or '', synapse=synapse)}"


def statements(text: str, *, synapse: bool = False) -> list[str]:
    """Each assignment of a rule or a reset as LaTeX; those that add are changes."""
    return [_statement(each, synapse) for each in parse_statements(text, random=True)] if text.strip() else []


def _statement(found: Statement, synapse: bool) -> str:
    name = symbol(found.target, synapse=synapse)
    if found.operator in ("+=", "-="):
        sign = "-" if found.operator == "-=" else ""
        return rf"\Delta {name} &= {expression(f'{sign}({found.expression})', synapse=synapse)}"
    whole = found.expression if found.operator == "=" else f"{found.target}{found.operator[0]}({found.expression})"
    return rf"{name} &\leftarrow {expression(whole, synapse=synapse)}"


def block(lines: list[str]) -> str:
    """Formulas below each other, as Markdown."""
    return "$$\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n$$\n" if lines else ""
