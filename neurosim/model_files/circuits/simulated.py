"""Check how a circuit is simulated, name by name, without running it: inputs, state, recordings, time steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.errors import NeurosimError
from neurosim.model_files.checking import Faults
from neurosim.model_files.circuits.parts import Simulation
from neurosim.model_files.circuits.values import flat, read
from neurosim.units import parse_quantity


def check_simulation(
    circuit: Circuit, settings: Simulation, inputs: Mapping[str, Any], state: Mapping[str, Any], faults: Faults
) -> None:
    """Add what `neurosim.simulate` would refuse, each with its key."""
    # Late: they import Brian2.
    from neurosim.engines.given_state import given_state
    from neurosim.recording.inputs import apply_inputs
    from neurosim.recording.setup import circuit_of
    from neurosim.recording.variables import asked

    dt, trials = parse_quantity(settings.dt, "second"), settings.trials
    seconds = None if settings.duration is None else parse_quantity(settings.duration, "second")
    key = "simulation.duration" if seconds is not None or not circuit.phases else "simulation.dt"
    run = _tried(key, faults, lambda: circuit_of(circuit, seconds, 1, None, learn=settings.learn))
    steps = run and _tried("simulation.dt", faults, lambda: sum(phase.steps(dt) for phase in run.phases))
    if run is None or steps is None:
        return
    for name, value in inputs.items():
        given = {name: value}
        _tried(
            f"inputs.{name}",
            faults,
            lambda given=given: apply_inputs(run, _read(given), steps=steps, trials=trials, dt=dt),
        )
    for name, value in state.items():
        given = {name: value}
        _tried(
            f"state.{name}",
            faults,
            lambda given=given: given_state(run, _read(given), trials=trials, beside=circuit, own_weights=True),
        )
    for number, name in enumerate(settings.record or ()):
        _tried(f"simulation.record.{number}", faults, lambda name=name: asked(run, [name], None, dt=dt))
    for name, time in flat(settings.every):
        every = {name: time}
        _tried(f"simulation.every.{name}", faults, lambda every=every: asked(run, settings.record, every, dt=dt))


def _tried(key: str, faults: Faults, ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except NeurosimError as error:
        faults.add(key, str(error))
        return None


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: read(value) for name, value in given.items()}
