"""What stands in for rates that a model does not give: an optimiser that needs none, noise and weights that fit.

A model that trains layers and names neither a learning rate nor an optimiser has Adam with small steps, which fall to
a twentieth by the end and are larger where there are few of them. Increments of weights are as large as the errors that
a scheme delivers, which differ by orders of magnitude between schemes, layers and neurons; Adam's steps do not. Weights
that move ever more slowly are weights that feedback can follow. Engines that have plain steps alone keep the rates of
schemes.

At the steady level its rate neurons get less noise the more of them there are. All perturb the loss at once, and what
is correlated with each neuron's noise is the gradient only where the loss is nearly linear in all of their noise. Their
initial weights are such that errors on their way down keep their length, whatever the activation function: a layer that
errors reach a hundred times shorter cannot hear itself among the others. What a scheme itself does without rates, it
says (`untuned`).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim import registry
from neurosim.errors import NeurosimError
from neurosim.model_files.engine_section import DEFAULT as ENGINE
from neurosim.networks import layered
from neurosim.networks._network import DEFAULT, Network, Part, neuron_of

#: Adam's learning rate where none is given, and the share of it that is left at the end.
RATE, LEFT = 0.003, 0.05
#: Updates with which that rate is enough, and epochs of a model that does not say how many.
UPDATES, EPOCHS = 3000, 60
#: Potentials near rest at which slopes are averaged, of a standard deviation of 0.1, with their shares (Gauss-Hermite).
POTENTIALS, SHARES = np.polynomial.hermite_e.hermegauss(64) * np.array([[0.1], [1.0]])
#: Bounds of what follows from them.
LEAST, MOST = 0.25, 4.0
#: Variance of all hidden neurons' noise together.
NOISE = 0.05


def with_steps(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """The sections of a model, with what they leave open where they name neither a rate nor an optimiser."""
    scheme, training, network = (table.get(name, {}) for name in ("scheme", "training", "network"))
    if "probe" in table or not all(isinstance(section, Mapping) for section in (scheme, training, network)):
        return table
    named = "learning_rate" in scheme or "optimiser" in training or network.get("kind", DEFAULT) != DEFAULT
    if named or not (_has_rate(scheme.get("kind")) and _optimises(table.get("engine", {}))):
        return table
    epochs = _epochs(training.get("epochs"))
    chosen: dict[str, Any] = {"epochs": epochs, "few_updates": UPDATES, "learning_rate_decay": LEFT ** (1 / epochs)}
    own: Mapping[str, Any] = {}
    if _steady(table.get("engine", {})):
        own, network = _of_scheme(scheme), _quieter(network)
    if own:
        chosen["feedback_warm_up"] = round(registry.load("schemes", scheme["kind"]).FEEDBACK_FIRST * epochs)
    scheme = {**own, **scheme, "learning_rate": RATE}
    training = {**chosen, **training, "optimiser": {"kind": "adam"}}
    return {**table, "scheme": scheme, "training": training, "network": network}


def _of_scheme(scheme: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a scheme changes of its own settings where a model names no rates."""
    module = registry.load("schemes", scheme["kind"])
    return module.untuned(scheme) if hasattr(module, "untuned") else {}


def _has_rate(kind: Any) -> bool:
    """Whether a kind of scheme has a rate of forward weights."""
    if not isinstance(kind, str) or kind not in registry.names("schemes"):
        return False
    return "learning_rate" in registry.load("schemes", kind).Config.model_fields


def _optimises(section: Any) -> bool:
    """Whether a section ``[engine]`` names an engine that has Adam."""
    kind = section.get("kind", ENGINE) if isinstance(section, Mapping) else ""
    if not isinstance(kind, str) or kind not in registry.names("engines"):
        return False
    return registry.load("engines", kind).Config.optimises


def _steady(section: Any) -> bool:
    """Whether a section ``[engine]`` asks for the steady level, where a phase is one evaluation."""
    return isinstance(section, Mapping) and section.get("level") == "steady"


def _epochs(given: Any) -> int:
    """The epochs of a model; the default if they are no number."""
    return given if isinstance(given, int) and given > 0 else EPOCHS


def with_weights(network: Network, table: Mapping[str, Any]) -> Network:
    """The checked network of sections that `with_steps` has changed, with initial weights that suit its neurons.

    Their variance, times the number of inputs, is one over the mean square of the slope near rest: sqrt(2) for
    rectified neurons (He et al. 2015, arXiv:1502.01852; of others Schoenholz et al. 2017, arXiv:1611.01232).
    """
    if not isinstance(network, layered.Config) or not isinstance(neuron := network.neuron, Part):
        return network
    given = "weights" in table.get("network", {})
    if given or neuron.kind != "leaky_rate" or not _steady(table.get("engine", {})):
        return network
    # Late: they import Brian2, and most faults of a model are found without it.
    from neurosim.equations.array_code import expression_function

    # What is wrong with a neuron is told where its circuit is built.
    with contextlib.suppress(NeurosimError, ValueError):
        text = neuron_of(neuron).equation_set.by_name["slope"].expression
        slope = expression_function("slope", str(text))
        function, varies = slope.compile(np), bool(slope.arguments)
        slopes = np.broadcast_to(function(v=POTENTIALS) if varies else function(), POTENTIALS.shape)
        square = float(np.average(np.square(slopes), weights=SHARES))
        if math.isfinite(square) and square > 0:
            weights = float(f"{min(max(1 / math.sqrt(square), LEAST), MOST):.2g}")
            return network.model_copy(update={"weights": weights})
    return network


def _quieter(network: Mapping[str, Any]) -> Mapping[str, Any]:
    """The network with noise that fits its size, if its neurons are rate neurons whose noise nobody has set."""
    neuron, hidden = network.get("neuron", {"kind": "leaky_rate"}), network.get("hidden", layered.Config().hidden)
    sizes = hidden if isinstance(hidden, list | tuple) else ()
    plain = bool(sizes) and all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes)
    own = isinstance(neuron, Mapping) and neuron.get("kind") == "leaky_rate" and "sigma" not in neuron
    if not (plain and own):
        return network
    return {**network, "neuron": {**neuron, "sigma": float(f"{math.sqrt(NOISE / sum(sizes)):.2g}")}}
