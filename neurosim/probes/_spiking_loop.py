"""The loop of dynamic inversion among spiking neurons: one layer, its controller, and what they tell each other.

Each number of the controller and of the error is carried by a population of leaky integrate-and-fire neurons
(`neurosim.stability.population_code`). What the loop integrates, it integrates in synapses:

    du/dt = -leak/tau_u u - target/tau_u     a spike of an error's neuron adds W d/tau_u: a synapse of tau_u/leak
    dx/dt = -x/tau_x                         a spike of a controller's neuron adds B d/tau_x: a synapse of tau_x

with d the neuron's weight in its population. With more and more neurons that is the loop of `_inversion`, and nothing
else in it has a memory but the membranes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Phase, Population
from neurosim.errors import ConfigError
from neurosim.networks import Part, neuron_of, rule_of
from neurosim.neurons._model import NeuronModel
from neurosim.stability.inversion import checked
from neurosim.stability.population_code import PopulationCode

#: The numbers set from outside, and those to which the loop settles.
TARGET, ERROR = "controller.target", "error.x"


@dataclass(frozen=True)
class Taus:
    """Time constants as text, as in a model file."""

    tau_u: str
    tau_x: str
    tau_m: str
    tau_ref: str


def spiking_loop(
    shape: tuple[int, int], neurons: int, leak: float, taus: Taus, *, background: str, settling: str
) -> Circuit:
    """A loop around forward weights of a shape; all weights are still zero (`loop_state`).

    Parameters
    ----------
    shape
        Shape of the forward weights, (n_post, n_pre): of numbers in the controller and in the error.
    neurons
        Neurons that carry each of these numbers.
    leak, taus
        Leak of the loop, and time constants of the loop and the neurons.
    background, settling
        Durations of the phase without the target, in which neurons find their background rates, and of that with it.

    Raises
    ------
    ConfigError
        Without a leak.
    """
    if not leak > 0:
        raise ConfigError.at(
            "scheme.leak",
            f"got {leak:g}, expected a number above 0: the controller integrates in synapses, which "
            "forget with a time constant of tau_u/leak",
        )
    controller = NeuronModel(
        """
        du/dt = -(leak*u + inverting*target)/tau_u : 1
        target : 1
        inverting : 1 (shared)
        """,
        parameters={"leak": leak, "tau_u": taus.tau_u},
        name="controller",
    )
    error = NeuronModel("dx/dt = -x/tau_x : 1", parameters={"tau_x": taus.tau_x}, name="error")
    part = {"kind": "lif", "tau_m": taus.tau_m, "tau_ref": taus.tau_ref}
    cell = neuron_of(Part.model_validate(part))
    above, below = shape
    return Circuit(
        "spiking_inversion",
        (
            Population("controller", above, controller),
            Population("controller_cells", above * neurons, cell),
            Population("error", below, error),
            Population("error_cells", below * neurons, cell),
        ),
        (
            _pathway("U", "controller.u", "controller_cells.drive"),
            _pathway("B", "controller_cells.spikes", ERROR),
            _pathway("X", ERROR, "error_cells.drive"),
            _pathway("R", "error_cells.spikes", "controller.u"),
        ),
        (Phase("background", background, {"inverting": 0.0}), Phase("inversion", settling, {"inverting": 1.0})),
    )


def loop_state(
    w: np.ndarray,
    b: np.ndarray,
    codes: Mapping[str, Sequence[PopulationCode]],
    ranges: Mapping[str, np.ndarray],
    taus: Mapping[str, float],
) -> dict[str, np.ndarray]:
    """The weights and background currents of a `spiking_loop`, for its state.

    Between two populations every neuron reaches every other: the weights are the product of the gain of the one, the
    entry of W or B, and the weight by which the other is read. The circuit holds the factors, because what arrives is
    the same, at a cost that grows with the neurons and not with their square.

    Parameters
    ----------
    w, b
        Forward weights, (n_post, n_pre), and feedback weights, (n_pre, n_post).
    codes
        Codes of ``controller`` and ``error``, one for each number, with equal numbers of neurons.
    ranges
        Ranges of both, the size of each number that is 1 to its population.
    taus
        ``tau_u`` and ``tau_x`` in seconds.
    """
    w, b = checked(w, b, 0.0)
    # A controller moves by what it hears in tau_u, an error in tau_x.
    reads = {
        "controller": [code.decoder(taus["tau_x"]) * size for code, size in _each(codes, ranges, "controller")],
        "error": [code.decoder(taus["tau_u"]) * size for code, size in _each(codes, ranges, "error")],
    }
    weights = {"U.w": _gains(codes["controller"], ranges["controller"]), "X.w": _gains(codes["error"], ranges["error"])}
    weights |= {"B.w": _read(b, reads["controller"]) / taus["tau_x"], "R.w": _read(w, reads["error"]) / taus["tau_u"]}
    for name in codes:
        weights[f"{name}_cells.i_ext"] = np.concatenate([code.background for code in codes[name]])
    return weights


def _each(
    codes: Mapping[str, Sequence[PopulationCode]], ranges: Mapping[str, np.ndarray], name: str
) -> list[tuple[PopulationCode, float]]:
    return [(code, float(size)) for code, size in zip(codes[name], ranges[name], strict=True)]


def _gains(codes: Sequence[PopulationCode], ranges: np.ndarray) -> np.ndarray:
    """Gains, (numbers * neurons, numbers): each neuron receives its own number alone."""
    neurons = len(codes[0].gain)
    gains = np.zeros((len(codes) * neurons, len(codes)))
    for number, (code, size) in enumerate(zip(codes, ranges, strict=True)):
        gains[number * neurons : (number + 1) * neurons, number] = code.gain / size
    return gains


def _read(matrix: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
    """(post, numbers * neurons)."""
    return np.concatenate([np.outer(column, read) for column, read in zip(matrix.T, weights, strict=True)], axis=1)


def _pathway(name: str, source: str, target: str) -> Pathway:
    return Pathway(name, source, target, rule=rule_of("fixed"), initial=Initial("constant", 0.0, None))
