"""The phases of a presentation, and what learning needs to be held at the end of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neurosim import registry
from neurosim.circuit.description import Hold, Phase, hold
from neurosim.networks.layers.config import Config, ports_of


def holds(network: Config) -> tuple[Hold, ...]:
    """Holds for learning at the end of a phase: rates, errors and delivered signals."""
    lines = [f"input.r_held = {ports_of(network, 'input')['output']}"]
    lines += ["one.r_held = r"] if network.bias else []
    for layer in network.layers:
        ports = ports_of(network, layer)
        lines += [f"{layer}.r_held = {ports['output']}", error_hold(network, layer, ports["error"])]
        if "offset_error" in ports:
            lines.append(error_hold(network, layer, ports["offset_error"], held="offset_delta_held"))
        lines += [f"{layer}.signal_held = {ports['signal']}"]
    return tuple(hold(line) for line in lines)


def error_hold(network: Config, layer: str, error: str, *, held: str = "delta_held") -> str:
    """The hold of a layer's error, shortened where it is longer than `update_limit` allows."""
    if network.update_limit is None or layer == "output":
        return f"{layer}.{held} = {error}"
    return f"{layer}.{held} = {error}*clip({network.update_limit:g}/sqrt(error_power + 1e-30), 0, 1)"


def change_holds(network: Config) -> tuple[Hold, ...]:
    """Holds of the loss, from which its change is measured, in the output."""
    readout = registry.load("readouts", network.readout).READOUT
    named = zip(readout.held_names, readout.held.values(), strict=True)
    return tuple(hold(f"output.{name} = {text}") for name, text in named)


def clean_phase(network: Config, duration: str, learn: Sequence[str] = ()) -> Phase:
    """Stimulus on, noise off."""
    return Phase("clean", duration, {"perturb": 0.0}, hold=holds(network), learn=tuple(learn))


def learning_phases(network: Config, duration: str, learn: Sequence[str], *, noise: bool) -> tuple[Phase, ...]:
    """One clean phase, at whose end the pathways learn; with noise a second one, and they learn at the end of that."""
    if not noise:
        return (clean_phase(network, duration, learn),)
    noisy = Phase("noisy", duration, {"perturb": 1.0}, draw_noise=True, hold=holds(network), learn=tuple(learn))
    return (replace(noisy, name="clean", switches={"perturb": 0.0}, draw_noise=False, learn=()), noisy)


def perturbed_phase(duration: str, holds: Sequence[Hold], learn: Sequence[str], *, restart: bool = False) -> Phase:
    """Stimulus and noise on, from rest if `restart`; at its end `holds` are held, and the pathways learn."""
    switches = {"perturb": 1.0}
    return Phase(
        "perturbed", duration, switches, draw_noise=True, restart=restart, hold=tuple(holds), learn=tuple(learn)
    )


def perturbed_phases(
    count: int, duration: str, holds: Sequence[Hold], learn: Sequence[str], *, restart: bool = False
) -> tuple[Phase, ...]:
    """Several of them, each with noise of its own; pathways learn at the end of the last."""
    last = perturbed_phase(duration, holds, learn, restart=restart)
    names = ["perturbed", *(f"perturbed_{number}" for number in range(2, count + 1))]
    return tuple(replace(last, name=name, learn=last.learn if name == names[-1] else ()) for name in names)
