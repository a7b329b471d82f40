"""Errors that name what is wrong in the user's words.

Every error is a `NeurosimError` and a builtin as well, so that both ``except NeurosimError`` and
``except ValueError`` do what one expects.
"""

from __future__ import annotations


class NeurosimError(Exception):
    """Anything neurosim refuses to do."""

    def __str__(self) -> str:
        # KeyError quotes its message; ours are sentences.
        return str(self.args[0]) if self.args else ""


class EquationError(NeurosimError, ValueError):
    """Equation text that is refused: grammar, unknown or reserved names.

    Parameters
    ----------
    message
        What is wrong, what was got and what is allowed.
    line, column
        Where in the text, both counted from one; ``None`` if it concerns the text as a whole.
    text
        The offending line, shown with a caret under the column.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        text: str | None = None,
    ) -> None:
        self.line, self.column, self.text = line, column, text
        where = "" if line is None else f"line {line}, column {column}: "
        excerpt = ""
        if text is not None:
            shown = text if len(text) <= 100 else text[:97] + "..."
            excerpt = f"\n    {shown}"
            if column is not None and column <= len(shown):
                excerpt += f"\n    {' ' * (column - 1)}^"
        super().__init__(f"{where}{message}{excerpt}")


class UnitError(NeurosimError, ValueError):
    """A quantity with the wrong unit, or text that is no quantity."""


class CircuitError(NeurosimError, ValueError):
    """A circuit whose parts do not fit together."""


class ConfigError(NeurosimError, ValueError):
    """A model file or an override that does not fit; reports all faults at once."""


class UnknownNameError(NeurosimError, KeyError):
    """A variant (neuron, rule, scheme, task ...) that does not exist."""


class DataError(NeurosimError, OSError):
    """A data file that is missing, truncated or not what it should be."""


class EngineError(NeurosimError, RuntimeError):
    """Something an engine cannot run, with the reason."""


class NumericalError(NeurosimError, ArithmeticError):
    """Numbers that stopped being finite."""
