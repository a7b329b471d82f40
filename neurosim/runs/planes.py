"""Figures of planes: eigenvalues of control loops, or the flow of a forward and a feedback weight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import ControlLoop
from neurosim.engines.state import State, initial_state, weights_of
from neurosim.errors import CircuitError, ConfigError
from neurosim.gradients.feedback import feedback_pathway
from neurosim.model_files.model_file import Model
from neurosim.plots.figures import save_figure
from neurosim.plots.loop_plane import loop_plane
from neurosim.plots.phase_plane import phase_plane
from neurosim.probes import _mirror_limits
from neurosim.probes._learning import learned_layers
from neurosim.stability.mirror import ScalarFlow

# Initial weights of the trajectories in the plane of their flow.
_STARTS = [(0.3, -0.1), (-0.1, 0.4), (0.2, 0.2), (-0.4, -0.2)]


def save_planes(model: Model, circuit: Circuit, seed: int, folder: Path) -> tuple[list[Path], str]:
    """Draw ``loop_plane.png`` or ``phase_plane.png`` if the model's probe measures loops or mirrors.

    Parameters
    ----------
    model, circuit, seed
        Model, circuit and seed of the run.
    folder
        Where to put the file.

    Returns
    -------
    list of pathlib.Path, str
        The file, if drawn; and the reason if it could not be.
    """
    plane = getattr(registry.load("probes", model.probe_kind), "PLANE", None)
    if plane is None:
        return [], ""
    try:
        drawn = _loops(model, circuit, seed) if plane == "loops" else _flow(model, circuit, seed)
    except (CircuitError, ConfigError) as error:
        return [], str(error)
    figure, why = drawn
    if figure is None:
        return [], why
    folder.mkdir(parents=True, exist_ok=True)
    return [save_figure(figure, folder / ("loop_plane.png" if plane == "loops" else "phase_plane.png"))], ""


def _loops(model: Model, circuit: Circuit, seed: int) -> tuple[Figure | None, str]:
    if not circuit.loops:
        return None, f"the scheme '{model.scheme_kind}' has no control loops"
    state = initial_state(circuit, seed)
    figure = Figure(figsize=(4.6 * len(circuit.loops), 4.8), layout="constrained")
    _above(figure, model)
    for loop, ax in zip(circuit.loops, figure.subplots(1, len(circuit.loops), squeeze=False)[0], strict=True):
        loop_plane(
            _eigenvalues(circuit, loop, state),
            ax,
            leak=loop.leak,
            stages=len(loop.forward),
            # In units of the controller's time constant, as the numbers are.
            tau_x=loop.tau_x / loop.tau_u,
            dt=None if model.engine.setting.steady else model.engine.setting.dt / loop.tau_u,
            order="controller_first" if loop.controller_first else "together",
        ).set_title(f"loop of {loop.layer}", fontsize="medium")
    return figure, ""


def _eigenvalues(circuit: Circuit, loop: ControlLoop, state: State) -> np.ndarray:
    """Eigenvalues of forward times feedback weights, before learning."""
    product = np.asarray(weights_of(circuit, state, loop.feedback), dtype=float)
    for name in loop.forward:
        product = np.asarray(weights_of(circuit, state, name), dtype=float) @ product
    return np.linalg.eigvals(product)


def _flow(model: Model, circuit: Circuit, seed: int) -> tuple[Figure | None, str]:
    """The plane of one singular mode of the first layer whose forward weights learn by the same rule."""
    state = initial_state(circuit, seed)
    if getattr(model.probe_config, "forward", "fixed") != "learned":
        return None, ""
    for layer in learned_layers(circuit):
        pathway = feedback_pathway(circuit, layer)
        if pathway is None or not _mirror_limits.flows(circuit, pathway):
            continue
        values = {name: float(state[key]) for name, key in _mirror_limits.coefficients(pathway, state).items()}
        flow = ScalarFlow(values.get("amp", 0.0), values.get("decay", 0.0), values.get("null", 0.0))
        figure = Figure(figsize=(5.4, 6.2), layout="constrained")
        _above(figure, model)
        reach = max([2.0, *(1.3 * size for size in _sizes(flow))])
        ax = phase_plane(flow, figure.subplots(), reach=reach, starts=_STARTS)
        ax.set_title(f"a singular mode between {layer} and {pathway.pre}, white activity", fontsize="medium")
        return figure, ""
    return None, "the forward weights do not learn by the rule of the feedback, so the two have no flow of their own"


def _sizes(flow: ScalarFlow) -> Iterator[float]:
    for point in flow.fixed_points():
        size = max(abs(float(point.forward)), abs(float(point.feedback)))
        if np.isfinite(size):
            yield size


def _above(figure: Figure, model: Model) -> None:
    if model.about.title:
        figure.suptitle(model.about.title)
