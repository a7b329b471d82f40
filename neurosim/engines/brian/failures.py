"""Errors of Brian2, in the words of the circuit."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from neurosim.border import root_sentence, translation
from neurosim.circuit.circuit import Circuit
from neurosim.errors import EngineError, NeurosimError

_OBJECT = re.compile(r"object named '(\w+)'")


@contextlib.contextmanager
def told(circuit: Circuit) -> Iterator[None]:
    """Turn an error of Brian2's about one of its objects into ours about the population or pathway it stands for.

    Raises
    ------
    EngineError
        With the sentence of the first cause, which quotes the text it is about.
    """
    try:
        yield
    except NeurosimError:
        raise
    except Exception as error:
        match = _OBJECT.search(str(error))
        owner = None if match is None else _owner(circuit, match[1])
        if owner is None or not isinstance(translation(error), EngineError):
            raise
        raise EngineError(f"the engine 'brian' cannot run {owner}: {root_sentence(error)}") from error


def _owner(circuit: Circuit, name: str) -> str | None:
    """The owner of a Brian2 object: the part with the longest name that the object's name begins with."""
    owners = {f"{population.name}_": f"population '{population.name}'" for population in circuit.populations}
    owners |= {f"{pathway.name}_": f"pathway '{pathway.name}'" for pathway in circuit.pathways}
    fitting = [start for start in owners if name.startswith(start)]
    return owners[max(fitting, key=len)] if fitting else None
