"""Checks of the arguments of gradients and comparisons: the same name means the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.border import COUNT, FLAG, NAMES, SEED, TIME, instance, number, optional, whole
from neurosim.border.arguments import MAPPING, NAME, POSITIVE, by_table
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.engines.arguments import check_run, trials_in
from neurosim.engines.setting import Setting
from neurosim.engines.stimuli import stimuli_in
from neurosim.errors import CircuitError

of_circuit = by_table(
    {
        "circuit": instance(Circuit, expected="a Circuit; that of a model file is neurosim.load(name).circuit"),
        "setting": instance(Setting, expected="a Setting, such as Setting(level='rate', dt=1e-3)"),
        **dict.fromkeys(("state", "stimuli", "ends", "errors"), MAPPING),
        "seed": SEED,
        "first": whole(0),
        "phase": optional(NAME),
        "layer": NAME,
        "epsilon": POSITIVE,
        "draws": COUNT,
        "damping": number(0),
        "gauss_newton": optional(number(0)),
        "hops": optional(whole(0)),
        "immediate": FLAG,
        "kicked": NAMES,
        "recurrent": optional(NAMES),
        "populations": optional(NAMES),
        "duration": optional(TIME),
        "every": COUNT,
        "discard": number(0, 0.99),
        "trials": optional(COUNT),
    }
)


def check_weights(circuit: Circuit, state: Mapping[str, Any]) -> None:
    """Refuse a state that lacks weights.

    Raises
    ------
    CircuitError
        Naming them.
    """
    missing = [f"{pathway.name}.w" for pathway in circuit.owners if f"{pathway.name}.w" not in state]
    if missing:
        raise CircuitError(
            f"state: {', '.join(map(repr, missing[:6]))} missing; begin with neurosim.initial_state(circuit, seed) and "
            "replace what is yours"
        )


def check_presented(
    circuit: Circuit, setting: Setting, state: Mapping[str, Any], stimuli: Mapping[str, Any], phase: str | None = None
) -> None:
    """Refuse a state or stimuli that do not fit the circuit, or phases up to one that do not fit the setting.

    Raises
    ------
    CircuitError
        Naming the variable, what was got and what is expected.
    """
    check_weights(circuit, state)
    given = stimuli_in(stimuli)
    shapes = {name: each.values.shape for name, each in given.items()}
    if not any(len(shape) >= 2 for shape in shapes.values()):
        raise CircuitError(f"stimuli: got the shapes {shapes or 'of nothing'}; expected at least one of (trial, n)")
    names = [each.name for each in circuit.phases]
    run = None if phase is None else names[: names.index(phase_of(circuit, phase).name) + 1]
    check_run(circuit, setting, state, given, trials=trials_in(given), phases=run)


def check_layer(circuit: Circuit, layer: str) -> None:
    """Refuse a layer that the circuit does not have.

    Raises
    ------
    CircuitError
        With those that it has.
    """
    if layer not in circuit.population:
        raise CircuitError(f"layer: got '{layer}', expected one of {', '.join(circuit.population)}")


def phase_of(circuit: Circuit, name: str | None) -> Phase:
    """A phase by its name, the first if there is none.

    Raises
    ------
    CircuitError
        There is no such phase, or none at all.
    """
    if not circuit.phases:
        raise CircuitError(f"the circuit '{circuit.name}' has no phases, at whose end a loss could count")
    chosen = circuit.phases[0] if name is None else {phase.name: phase for phase in circuit.phases}.get(name)
    if chosen is None:
        known = ", ".join(phase.name for phase in circuit.phases)
        raise CircuitError(f"phase: got '{name}', which '{circuit.name}' does not have; expected one of {known}")
    return chosen
