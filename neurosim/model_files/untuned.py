"""What stands in for rates that a model does not give: an optimiser that needs none, and noise that fits the network.

A model that trains layers and names neither a learning rate nor an optimiser has Adam with small steps, which fall to
a twentieth by the end and are larger where there are few of them. Increments of weights are as large as the errors that
a scheme delivers, which differ by orders of magnitude between schemes, layers and neurons; Adam's steps do not. Weights
that move ever more slowly are weights that feedback can follow. Engines that have plain steps alone keep the rates of
schemes.

At the steady level its rate neurons get less noise the more of them there are. All perturb the loss at once, and what
is correlated with each neuron's noise is the gradient only where the loss is nearly linear in all of their noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from neurosim import registry
from neurosim.model_files.engine_section import DEFAULT as ENGINE
from neurosim.networks import layered
from neurosim.networks._network import DEFAULT
from neurosim.training import config as training_section

#: Adam's learning rate where none is given, and the share of it that is left at the end.
RATE, LEFT = 0.003, 0.05
#: Updates with which that rate is enough.
UPDATES = 3000
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
    scheme = {**scheme, "learning_rate": RATE}
    chosen = {"learning_rate_decay": _decay(training.get("epochs")), "few_updates": UPDATES}
    training = {**chosen, **training, "optimiser": {"kind": "adam"}}
    return {**table, "scheme": scheme, "training": training, "network": _quieter(network, table.get("engine", {}))}


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


def _decay(epochs: Any) -> float:
    """The factor after each epoch with which `LEFT` is left at the end; without a number, of the default."""
    given = epochs if isinstance(epochs, int) and epochs > 0 else training_section.Config().epochs
    return LEFT ** (1 / given)


def _quieter(network: Mapping[str, Any], computed: Any) -> Mapping[str, Any]:
    """The network with noise that fits its size, if its neurons are rate neurons whose noise nobody has set."""
    neuron, hidden = network.get("neuron", {"kind": "leaky_rate"}), network.get("hidden", layered.Config().hidden)
    steady = isinstance(computed, Mapping) and computed.get("level") == "steady"
    sizes = hidden if isinstance(hidden, list | tuple) else ()
    plain = bool(sizes) and all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes)
    own = isinstance(neuron, Mapping) and neuron.get("kind") == "leaky_rate" and "sigma" not in neuron
    if not (steady and plain and own):
        return network
    return {**network, "neuron": {**neuron, "sigma": float(f"{math.sqrt(NOISE / sum(sizes)):.2g}")}}
