"""Errors that name what is wrong in the user's words.

Every error is a `NeurosimError` and a builtin as well, so that both ``except NeurosimError`` and
``except ValueError`` do what one expects.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

#: A fault: the path of the key to blame, empty where there is none, and a sentence.
Fault = tuple[str, str]


class NeurosimError(Exception):
    """Anything neurosim refuses to do.

    Attributes
    ----------
    faults
        The faults that the message lists, each as key path and sentence; empty where the error knows no key. Code
        that needs a key reads it here and never in the message.
    translated
        Whether it stands for an exception of another library, which is its cause.

    Examples
    --------
    >>> import neurosim
    >>> try:
    ...     neurosim.load("lansdell2020/digit")
    ... except neurosim.NeurosimError as error:
    ...     print(str(error)[:64])
    unknown model 'lansdell2020/digit': did you mean 'lansdell2020/d
    """

    translated = False

    def __init__(self, *args: object, faults: Iterable[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(*args)

    def __str__(self) -> str:
        # KeyError quotes its message; ours are sentences.
        return str(self.args[0]) if self.args else ""


class _Keyed(NeurosimError):
    @classmethod
    def at(cls, key: str, sentence: str) -> Self:
        """The error of one fault: a key path, and what is wrong there."""
        return cls(f"{key}: {sentence}", faults=((key, sentence),))


class NeurosimWarning(UserWarning):
    """Something that runs, and that may not be what was meant.

    Examples
    --------
    >>> import warnings
    >>> import neurosim
    >>> warnings.filterwarnings("ignore", category=neurosim.NeurosimWarning)
    """


class _Located(NeurosimError):
    """Something in a text.

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
        faults: Iterable[Fault] = (),
    ) -> None:
        self.message, self.line, self.column, self.text = message, line, column, text
        where = "" if line is None else f"line {line}, column {column}: "
        super().__init__(f"{where}{message}{excerpt(text, column) if text is not None else ''}", faults=faults)


class EquationError(_Located, ValueError):
    """Equation text that is refused: grammar, unknown or reserved names."""


class UnitError(_Located, ValueError):
    """A quantity with the wrong unit, or text that is no quantity; in equations with its place."""


class ArgumentError(NeurosimError, ValueError):
    """An argument of a public function that is not what it should be.

    Parameters
    ----------
    name
        Name of the argument.
    value
        What was given.
    expected
        What is allowed, as in "expected a whole number, at least 1".
    """

    def __init__(self, name: str, value: object, expected: str) -> None:
        self.name, self.value, self.expected = name, value, expected
        try:
            shown = repr(value)
        except Exception:  # a stranger's object need not know how to show itself
            shown = f"a {type(value).__name__}"
        if len(shown) > 100:
            shown = f"{shown[:97]}..."
        super().__init__(f"{name}: got {shown}, expected {expected}")


class CircuitError(_Keyed, ValueError):
    """A circuit whose parts do not fit together."""


class ConfigError(_Keyed, ValueError):
    """A model file or an override that does not fit; reports all faults at once."""


class UnknownNameError(NeurosimError, KeyError):
    """A variant (neuron, rule, scheme, task ...) that does not exist."""


class DataError(NeurosimError, OSError):
    """A data file that is missing, truncated or not what it should be."""


class EngineError(NeurosimError, RuntimeError):
    """Something an engine cannot run, with the reason."""


class NumericalError(NeurosimError, ArithmeticError):
    """Numbers that stopped being finite."""


def excerpt(text: str, column: int | None) -> str:
    """A line of a user's text on a line of its own, with a caret under the column (from 1)."""
    shown = text if len(text) <= 100 else text[:97] + "..."
    mark = f"\n    {' ' * (column - 1)}^" if column is not None and column <= len(shown) else ""
    return f"\n    {shown}{mark}"
