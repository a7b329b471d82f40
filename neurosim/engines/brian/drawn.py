"""Random numbers of time steps for Brian2: those that the batched engine draws, written into variables of neurons.

Brian2's own are drawn in the order in which its code asks for them, which no other engine could follow. Standalone
code, in which no Python runs between steps, keeps them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import brian2
import numpy as np

from neurosim.equations.counts import binomial, poisson
from neurosim.equations.parse import CONSTANT
from neurosim.equations.reserved import COUNT_FUNCTIONS, RANDOM_FUNCTIONS
from neurosim.neurons._model import NeuronModel
from neurosim.random import drawn_at, held_normal

#: How many numbers are drawn in one go, for many steps.
_AT_ONCE = 1 << 18
_LAWS = {"rand": "uniform", "randn": "normal"}
_COUNTS: Mapping[str, Callable[..., Any]] = {"poisson": poisson, "binomial": binomial}


@dataclass
class Presented:
    """Which presentation runs.

    Attributes
    ----------
    number
        Its running number.
    done
        The number of Brian2's step at which its step zero was, or would have been.
    """

    number: int = 0
    done: int = 0


@dataclass(frozen=True)
class Draw:
    """One call of a function that draws.

    Attributes
    ----------
    function
        Its name.
    name
        As `neurosim.equations.array_code.ArrayFunction.draws` calls it.
    arguments
        Texts.
    """

    function: str
    name: str
    arguments: tuple[str, ...] = ()

    def variable(self, purpose: str) -> str:
        """Name of the variable that holds the drawn numbers."""
        return f"{self.name}__{purpose}"

    def argument(self, purpose: str, number: int) -> str:
        """Name of the variable that holds one of its arguments."""
        return f"{self.name}__{purpose}__{number}"

    def declared(self, purpose: str) -> list[str]:
        """Lines that declare these variables."""
        names = [self.argument(purpose, number) for number in range(len(self.arguments))]
        return [f"{name} : 1" for name in (self.variable(purpose), *names)]


def without_draws(texts: Sequence[str], purpose: str) -> tuple[list[str], list[Draw]]:
    """Expressions with variables in place of what draws, and the draws in the order in which they are made."""
    replacing = _Replacing(purpose)
    rewritten = [ast.unparse(replacing.visit(ast.parse(text.strip(), mode="eval")).body) for text in texts]
    return rewritten, replacing.draws


class _Replacing(ast.NodeTransformer):
    def __init__(self, purpose: str) -> None:
        self.purpose = purpose
        self.draws: list[Draw] = []

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        function = node.func.id if isinstance(node.func, ast.Name) else ""
        if function not in RANDOM_FUNCTIONS and function not in COUNT_FUNCTIONS:
            return node
        draw = Draw(function, f"{function}_{len(self.draws)}", tuple(map(ast.unparse, node.args)))
        self.draws.append(draw)
        return ast.Name(draw.variable(self.purpose), ast.Load())


def draws_of(model: NeuronModel, purpose: str) -> list[Draw]:
    """Draws of a neuron's threshold, its reset, or a line that is constant over a step."""
    return without_draws(_texts(model, purpose), purpose)[1]


def purposes(model: NeuronModel) -> list[str]:
    """The parts of a neuron that may draw."""
    return ["threshold", "reset", *(e.name for e in model.equation_set.of("subexpression") if CONSTANT in e.flags)]


def _texts(model: NeuronModel, purpose: str) -> list[str]:
    if purpose == "threshold":
        return [model.threshold] if model.threshold else []
    if purpose == "reset":
        return [statement.expression for statement in model.reset_statements]
    return [model.equation_set.by_name[purpose].expression or "0"]


@dataclass
class Numbers:
    """The numbers of one draw, step by step.

    Attributes
    ----------
    law, key, size
        As `neurosim.random.drawn_at` takes them.
    same
        Whether a normal law is that of `drawn_at`, or of `held_normal`.
    """

    law: str
    key: Any
    size: int
    same: bool = True
    presented: Presented = field(default_factory=Presented)
    _kept: tuple[int, int, Any] | None = None

    def at(self, step: int) -> np.ndarray:
        """The numbers of a step, shape (n,); random words have shape (2, 1, n)."""
        number = self.presented.number
        if self._kept is None or self._kept[0] != number or not 0 <= step - self._kept[1] < self._kept[2].shape[-2]:
            self._kept = (number, step, self._drawn(number, step))
        place = step - self._kept[1]
        drawn = self._kept[2][..., place, :]
        return drawn[:, None, :] if self.law == "words" else drawn

    def _drawn(self, number: int, step: int) -> np.ndarray:
        count = max(1, min(1000, _AT_ONCE // self.size))
        if self.law == "normal" and not self.same:
            drawn = [held_normal(self.key, np.full(1, number, np.uint32), self.size, step=step)]
            return np.concatenate([np.asarray(array) for array in drawn])
        steps = np.arange(step, step + count, dtype=np.uint32)
        return drawn_at(self.law, self.key, np.full(count, number, np.uint32), self.size, steps, xp=np)


class StepDraws(brian2.BrianObject):  # type: ignore[misc]
    """Writes numbers into variables of neurons at the start of each step.

    Attributes
    ----------
    targets
        Pairs of an array that is written to, and what goes there.
    """

    add_to_magic_network = False

    def __init__(self, clock: Any, presented: Presented) -> None:
        super().__init__(clock=clock, when="start", order=0, name="neurosim_step_draws")
        self.presented = presented
        self.targets: list[tuple[np.ndarray, Callable[[int], np.ndarray]]] = []

    def run(self) -> None:
        """Called by the Network at every step."""
        step = step_of(self.clock, self.presented)
        for array, numbers in self.targets:
            array[:] = numbers(step)


class HeldDraws(brian2.BrianObject):  # type: ignore[misc]
    """Computes a variable that draws, once a step: arguments of the draws, the draws, and what is made of them.

    Parameters
    ----------
    steps
        What is done in order: code of the group, or a function of the step's number.
    """

    add_to_magic_network = False

    def __init__(self, clock: Any, presented: Presented, name: str, steps: Sequence[Any]) -> None:
        super().__init__(clock=clock, when="groups", order=0, name=name)
        self.presented, self.steps = presented, steps

    def before_run(self, run_namespace: Any) -> None:
        """Called by the Network once: compiles the code."""
        for one in self.steps:
            if isinstance(one, brian2.BrianObject):
                one.before_run(run_namespace)

    def run(self) -> None:
        """Called by the Network at every step, and when a phase is over."""
        number = step_of(self.clock, self.presented)
        for one in self.steps:
            if isinstance(one, brian2.BrianObject):
                one.run()
            else:
                one(number)


def step_of(clock: Any, presented: Presented) -> int:
    """The number of the step within its presentation."""
    return int(clock.variables["timestep"].get_value()[0]) - presented.done


def law_of(function: str) -> str:
    """The law by which a function draws."""
    return _LAWS.get(function, "words")


def writer(draw: Draw, numbers: Numbers, arrays: Sequence[np.ndarray]) -> Callable[[int], None]:
    """A function that draws into the first array that it gets; the other arrays are arguments of the draw."""

    def write(step: int) -> None:
        drawn = numbers.at(step)
        if draw.function in COUNT_FUNCTIONS:
            drawn = _COUNTS[draw.function](np, drawn, *(array[None, :] for array in arrays[1:]))[0]
        arrays[0][:] = drawn

    return write
