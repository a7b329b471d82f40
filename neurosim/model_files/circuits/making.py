"""Make the parts of a circuit from checked settings; each fault is reported with its key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from neurosim.errors import ArgumentError, NeurosimError
from neurosim.model_files.checking import Faults
from neurosim.model_files.equation_faults import equation_fault

#: Words by which messages mean a key, where that is not its name.
_WORDS = {
    "lasts": "duration",
    "learns": "learn",
    "holds": "hold",
    "ends by": "until",
    "switch ": "switches",
    "tied": "tie",
    "neurons;": "size",
    "parameter of the rule": "parameters",
}
_NOT_MADE = object()


@dataclass
class Making:
    """A part of a circuit, to be made once its settings are checked: that reads equations, and takes long.

    Attributes
    ----------
    path
        The key of its table.
    settings
        The table as written.
    build
        Makes the part.
    """

    path: str
    settings: Mapping[str, Any]
    build: Callable[[Faults], Any]
    _made: Any = field(default=_NOT_MADE, repr=False)

    def made(self, faults: Faults) -> Any:
        """The part, made once; ``None`` with a fault, which is then among the faults."""
        if self._made is _NOT_MADE:
            try:
                self._made = self.build(faults)
            except NeurosimError as error:
                self._made = None
                key, sentence = fault_in(error, self.settings)
                faults.add(f"{self.path}.{key}".rstrip("."), sentence)
        return self._made


def fault_in(error: NeurosimError, settings: Mapping[str, Any]) -> tuple[str, str]:
    """The key at fault in a table, empty if no single one is, and what is wrong there."""
    if isinstance(error, ArgumentError):
        # Named `Population.size` or `Pathway.rule[0]`.
        _, _, name = error.name.rpartition(".")
        key = re.split(r"\W", name)[0]
        return (key if key in settings else ""), str(error).partition(": ")[2] or str(error)
    key, sentence = equation_fault(error, settings, {}, lambda _: None)
    if key:
        return key, sentence
    # The key of a value that has another unit.
    for name, _ in error.faults:
        for table in ("parameters", "initial"):
            if name in settings.get(table, {}):
                return f"{table}.{name}", str(error)
    return key_in(str(error), settings), str(error)


def key_in(sentence: str, settings: Mapping[str, Any]) -> str:
    """The key that a sentence is about: the one that it names first, or whose text it quotes; empty if none is."""
    named = [(match.start(), key) for word, key in _words(settings) if (match := re.search(rf"\b{word}", sentence))]
    return min(named)[1] if named else quoted_in(sentence, settings)


def quoted_in(sentence: str, settings: Mapping[str, Any]) -> str:
    """The key of the longest text that a sentence quotes; empty if it quotes none, or the texts of several keys."""
    quoted = [(len(line), key) for key, line in _lines(settings) if len(line) > 2 and line in sentence]
    longest = {key for length, key in quoted if length == max(quoted)[0]}
    return longest.pop() if len(longest) == 1 else ""


def _words(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in settings:
        yield re.escape(key) + r"\b", key
    yield from ((re.escape(word), key) for word, key in _WORDS.items() if key in settings)


def _lines(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, f"{before}{key}.")
        elif isinstance(value, str):
            yield from ((f"{before}{key}", line.strip()) for line in value.splitlines())
