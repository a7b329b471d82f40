"""The populations of a layered network."""

from __future__ import annotations

import math
from dataclasses import replace

from neurosim.circuit.description import Population
from neurosim.networks._network import Part, Sized, image_of, neuron_of
from neurosim.networks.layers import links, shapes
from neurosim.networks.layers.config import Config, neuron_at, ports_of

#: The parameter that is drawn where neurons share a part of their noise.
SHARED = "drawn"


def populations(network: Config, task: Sized, *, noise: bool) -> tuple[Population, ...]:
    """Input, bias unit, hidden layers and output, whose apical compartment receives the readout's error."""
    image = image_of(task)
    forms = shapes.forms(network.hidden, image)
    links.fitting(network.hidden, forms, image)
    rows = zip(network.hidden_layers, forms, shapes.pooled(network.hidden), strict=True)
    drawn = ("noise",) if noise else ()
    hidden: list[Population] = []
    for name, (size, shape), pooled in rows:
        ports = ports_of(network, name)
        # A neuron that fires at random has no need of any, and where pools are, they are noisy.
        own = () if pooled or "factor" in ports else drawn
        neuron, lots = neuron_at(network, name), _lots(network, name)
        layer = Population(name, size, neuron, noise=own, lots=lots, shape=shape)
        hidden.append(_limited(network, _correlated(layer, network.noise_correlation)))
    seen = neuron_at(network, "input")
    shown = Population(
        "input", task.n_inputs, seen, noise=drawn if network.input_noise else (), shape=image if forms[0][1] else None
    )
    one = (Population("one", 1, neuron_of(Part(kind="constant"))),) if network.bias else ()
    output = neuron_at(network, "output")
    bind = {output.ports["feedback"]: "error"}
    return shown, *one, *hidden, Population("output", task.n_outputs, output, bind=bind, lots=_lots(network, "output"))


def _correlated(population: Population, correlation: float) -> Population:
    """A hidden layer whose neurons share a part of their noise.

    Of independent numbers with the mean m, ``a*(number - m) + b*m`` has variance one and the correlation asked for
    exactly, if a**2 is one less the correlation, and b**2 is n times the correlation and a**2.
    """
    if not (correlation and population.noise):
        return population
    own, size = math.sqrt(1 - correlation), population.size
    common = (math.sqrt(size * correlation + own**2) - own) / size
    return replace(
        population,
        noise=(SHARED,),
        equations=f"{SHARED} : 1",
        sums={"all_drawn": f"{SHARED}_pre"},
        bind={"noise": f"{own!r}*{SHARED} + {common!r}*all_drawn"},
    )


def _limited(network: Config, population: Population) -> Population:
    """A hidden layer that knows the length of its error, if it needs to."""
    if network.update_limit is None:
        return population
    return replace(population, sums={**population.sums, "error_power": f"{population.neuron.ports['error']}_pre**2"})


def _lots(network: Config, layer: str) -> tuple[str, ...]:
    """The lots that leave neurons of a layer out of a presentation, if any can be."""
    ports = ports_of(network, layer)
    return (ports["lot"],) if "lot" in ports else ()
