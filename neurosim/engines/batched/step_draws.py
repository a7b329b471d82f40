"""Random numbers that expressions read, drawn once a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.circuit.wiring import Wiring
from neurosim.equations.array_code import ArrayFunction
from neurosim.random import drawn_at

#: Name of `PresentationDraws` among a circuit's variables.
DRAWS = "|draws"


@dataclass(frozen=True, eq=False)
class PresentationDraws:
    """Where the numbers of a presentation come from: each is a function of seed, presentation, step and neuron.

    Attributes
    ----------
    keys
        Of `neurosim.engines.noise.noise_keys`.
    presentations
        Numbers of the trials' presentations, shape (trial,).
    dt
        The time step in seconds.
    """

    keys: Mapping[str, Any]
    presentations: Any
    dt: float

    def of(self, circuit: Wiring, name: str, function: ArrayFunction, time: Any, dtype: Any) -> dict[str, Any]:
        """Numbers drawn for a variable's function in the step that begins at a time: argument -> (trial, n)."""
        size = circuit.population[name.split(".")[0]].size
        with jax.enable_x64(True):
            step = jnp.round(time / self.dt).astype(jnp.uint32)
        by_argument = {}
        for draw, law in function.draws:
            drawn = drawn_at(law, self.keys[f"{name}.{draw}"], self.presentations, size, step, xp=jnp)
            by_argument[draw] = drawn if law == "words" else drawn.astype(dtype)
        return by_argument
