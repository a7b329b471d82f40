"""The leading Lyapunov exponent of a circuit in time: whether small differences grow, and credit with them.

Where it is positive the network is chaotic. Then credit grows exponentially back in time, what the earliest steps get
dominates every gradient, and all local rules look bad beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.description import Phase, Role
from neurosim.circuit.roles import drives, role
from neurosim.circuit.ruleless import without_rules
from neurosim.engines.arguments import check_run, trials_in
from neurosim.engines.batched.differentiable import Differentiable, GivenArrays, compiled
from neurosim.engines.setting import Setting
from neurosim.engines.slots import slots
from neurosim.engines.stimuli import stimuli_in
from neurosim.errors import CircuitError
from neurosim.gradients._arguments import check_weights, of_circuit, phase_of
from neurosim.random import stream


@dataclass(frozen=True)
class LyapunovExponent:
    """The rate at which small differences of the state grow.

    Attributes
    ----------
    exponent
        In 1/s, the mean over trials; negative where differences decay.
    by_trial
        Of each trial, shape (trial,).
    course
        Of each stretch between two renormalisations, 1/s, shape (stretch, trial); the first ones, in which the
        difference turns into the leading direction, do not count for the mean.
    populations
        Whose state the difference is measured in.
    seconds
        The time over which the mean is taken.
    """

    exponent: float
    by_trial: np.ndarray
    course: np.ndarray
    populations: tuple[str, ...]
    seconds: float

    @property
    def chaotic(self) -> bool:
        """Whether it is positive."""
        return self.exponent > 0

    @property
    def warning(self) -> str:
        """What follows for gradients; empty where the network is not chaotic."""
        if not self.chaotic:
            return ""
        return (
            f"the network is chaotic: its leading Lyapunov exponent is {self.exponent:.3g} /s, so that credit grows "
            f"e-fold every {1e3 / self.exponent:.3g} ms back in time and that of early steps dominates gradients and "
            "angles; shorten the presentation, or lower the gain of recurrent weights"
        )


@of_circuit()
def lyapunov_exponent(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    populations: Sequence[str] | None = None,
    phase: str | None = None,
    duration: float | None = None,
    every: int = 10,
    discard: float = 0.2,
    trials: int | None = None,
    seed: int = 0,
) -> LyapunovExponent:
    """Propagate a small difference of the state along a presentation.

    Parameters
    ----------
    circuit, setting, state, stimuli, trials, seed
        As for `BatchedEngine.run`, without learning.
    populations
        Whose state the difference is measured in; by default those that recurrent pathways reach, or all that are
        driven. Variables that only add up, such as a loss over time, would hide a decay.
    phase
        The phase whose switches hold; the first by default. Stimuli that change begin with it.
    duration
        How long, in seconds or as a quantity; as long as the phase by default.
    every
        Steps between two renormalisations of the difference. The last steps are left out if they are fewer.
    discard
        The share of the stretches, from the beginning, that the mean leaves out.

    Returns
    -------
    LyapunovExponent
        The exponent, and a sentence of warning where it is positive.

    Raises
    ------
    CircuitError
        If populations spike, whose differences jump at resets; or the presentation is shorter than `every` steps.

    Notes
    -----
    The tangent goes through the engine's own steps by forward-mode differentiation and is renormalised: Benettin,
    Galgani, Giorgilli & Strelcyn (1980), Meccanica 15:9.

    Examples
    --------
    >>> import neurosim
    >>> from neurosim.engines.stimuli import stimuli_of
    >>> model = neurosim.load("learned_in_time/teacher+symmetric", ["task.n_train=8", "task.n_validation=8"])
    >>> circuit, setting = model.circuit, model.engine.setting
    >>> shown = stimuli_of(circuit, model.load_task(seed=0).validation, slice(8), dt=setting.dt)
    >>> state = neurosim.initial_state(circuit, 0)
    >>> neurosim.lyapunov_exponent(circuit, setting, state, shown).chaotic
    False
    """
    if setting.steady:
        raise CircuitError("a Lyapunov exponent at the level 'steady', which has no time; use the level 'rate'")
    check_weights(circuit, state)
    spiking = [name for name, model in compose(circuit).items() if model.threshold is not None]
    if spiking:
        raise CircuitError(
            f"population '{spiking[0]}' spikes; the exponent follows smooth steps, and spikes and resets are none"
        )
    measured = tuple(populations) if populations is not None else recurrent_populations(circuit)
    if unknown := [name for name in measured if name not in circuit.population]:
        raise CircuitError(f"populations: got '{unknown[0]}', expected some of {', '.join(circuit.population)}")
    window, stretches = _windows(circuit, setting, phase, duration, every)
    through = Differentiable(window, setting)
    given = stimuli_in(stimuli)
    count = trials_in(given, trials)
    check_run(_lasting(window, every * stretches, setting.dt), setting, state, given, trials=count)
    known = slots(window, setting.dt)
    moving = tuple(name for name, slot in known.items() if slot.kind in ("neuron", "flight"))
    core = tuple(name for name in moving if known[name].kind == "neuron" and known[name].owner in measured)
    if not core:
        raise CircuitError(f"populations: {', '.join(measured) or 'none'} have no state that could differ")
    with through.engine.precision():
        arrays = through.given(state, given, seed=seed)
        starts = {
            name: jnp.broadcast_to(
                jnp.asarray(arrays.values.get(name, known[name].start or 0.0), setting.dtype),
                (count, *known[name].shape),
            )
            for name in moving
        }
        drawn = stream(seed, "lyapunov")
        differences = {name: jnp.zeros_like(array) for name, array in starts.items()}
        for name in core:
            differences[name] = jnp.asarray(drawn.standard_normal(starts[name].shape), setting.dtype)
        growth = _growth(
            arrays, starts, differences, through=through, core=core, every=every, stretches=stretches, trials=count
        )
        course = np.asarray(jax.device_get(growth), dtype=float) / (every * setting.dt)
    first = min(int(discard * stretches), stretches - 1)
    by_trial = course[first:].mean(axis=0)
    return LyapunovExponent(
        float(by_trial.mean()), by_trial, course, measured, (stretches - first) * every * setting.dt
    )


def recurrent_populations(circuit: Circuit) -> tuple[str, ...]:
    """The populations that recurrent pathways reach; where there are none, all that are driven."""
    back = [p for p in circuit.pathways if role(circuit, p) in (Role.RECURRENT, Role.LATERAL) or p.pre == p.post]
    reached = {p.post for p in back} or {p.post for p in circuit.pathways if drives(circuit, p)}
    return tuple(name for name in circuit.population if name in reached)


def _windows(
    circuit: Circuit, setting: Setting, phase: str | None, duration: float | None, every: int
) -> tuple[Circuit, int]:
    """The circuit with one phase of so many steps, and how many of them there are."""
    if duration is None or circuit.phases:
        chosen = replace(phase_of(circuit, phase), until=None)
    else:
        chosen = Phase("run", f"{duration!r} second")
    steps = round(duration / setting.dt) if duration is not None else chosen.steps(setting.dt)
    if steps < every:
        raise CircuitError(f"the presentation has {steps} steps; expected at least {every}, as `every` says")
    alone = replace(chosen, hold=(), restart=False, learn=())
    only = replace(without_rules(circuit), phases=(alone,), carry=True, delivered_at=None, loops=())
    return _lasting(only, every, setting.dt), steps // every


def _lasting(circuit: Circuit, steps: int, dt: float) -> Circuit:
    """The circuit with its only phase of so many steps."""
    (phase,) = circuit.phases
    return replace(circuit, phases=(replace(phase, duration=f"{steps * dt!r} second"),))


@compiled
def _growth(
    given: GivenArrays,
    starts: Any,
    differences: Any,
    *,
    through: Differentiable,
    core: tuple[str, ...],
    every: int,
    stretches: int,
    trials: int,
) -> Any:
    """The logarithm of how much a difference grows in each stretch, (stretch, trial)."""
    numbers = jnp.arange(trials, dtype=jnp.uint32)

    def lengths(difference: Any) -> Any:
        squares = [jnp.sum(difference[name] ** 2, axis=tuple(range(1, difference[name].ndim))) for name in core]
        return jnp.sqrt(sum(squares[1:], squares[0]))

    def normalised(difference: Any) -> tuple[Any, Any]:
        length = lengths(difference)
        # A difference that has vanished stays so.
        scale = jnp.where(length > 0, 1 / jnp.where(length > 0, length, 1), 1)
        return {n: a * scale.reshape(-1, *[1] * (a.ndim - 1)) for n, a in difference.items()}, jnp.log(length)

    def stretch(carry: Any, inputs: Any) -> tuple[Any, Any]:
        number, courses = inputs

        def on(values: Any) -> Any:
            there = replace(given, courses=courses)
            final = through.present(there, values=values, presentations=numbers, begin=number * every).final
            return {name: final[name] for name in values}

        values, difference = carry
        values, difference = jax.jvp(on, (values,), (difference,))
        difference, grown = normalised(difference)
        return (values, difference), grown

    courses = {
        name: course[: every * stretches].reshape(stretches, every, *course.shape[1:])
        for name, course in given.courses.items()
    }
    begin = (starts, normalised(differences)[0])
    return jax.lax.scan(stretch, begin, (jnp.arange(stretches, dtype=jnp.int32), courses))[1]
