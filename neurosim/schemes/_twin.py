"""A network without noise beside the one with noise: the same weights, the same start, the same inputs.

What the loss of the noisy network is at a step, less that of its twin, is what the noise has changed. It is there at
every step, without a second phase whose course would have to be kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from neurosim import registry
from neurosim.circuit.description import Initial, Pathway, Population, Role, Tie
from neurosim.errors import ConfigError
from neurosim.networks import recurrent

#: How names of a twin end.
CLEAN = "_clean"
_ONE = Initial("constant", 1.0, None)


def populations(network: recurrent.Config, noisy: Iterable[Population]) -> tuple[Population, ...]:
    """The twins of recurrent populations and of the output, the latter with a loss of its own.

    Raises
    ------
    ConfigError
        Neurons of which some are left out at random: a twin would leave out others.
    """
    twins: list[Population] = []
    for population in noisy:
        if population.name not in network.layers:
            continue
        if population.lots:
            raise ConfigError.at(
                f"network.{recurrent.key_of(network, population.name)}.dropout",
                f"got neurons of {population.name} that are left out at random, expected 0 with a loss that is "
                "compared with that of a twin without noise",
            )
        twin = Population(
            population.name + CLEAN,
            population.size,
            population.neuron,
            method=population.method,
            initial=population.initial,
            drawn_as=population.name,
        )
        twins.append(_read_out(network, twin) if population.name == "output" else twin)
    return tuple(twins)


def _read_out(network: recurrent.Config, twin: Population) -> Population:
    """The output's twin with the readout's lines."""
    readout = registry.load("readouts", network.readout).READOUT
    output = recurrent.shown(twin.neuron)
    lines = [str(e) for e in readout.equations(output, over_time=True) if e.name not in readout.pairwise]
    return replace(recurrent.with_lines(twin, *lines), sums=dict(readout.pairwise), method="euler")


def pathways(network: recurrent.Config, noisy: Iterable[Pathway]) -> tuple[Pathway, ...]:
    """What drives the twins, by weights tied to those of the noisy network, and what tells their output its target."""
    fixed = recurrent.rule_of("fixed")
    made: list[Pathway] = []
    for pathway in noisy:
        source, target = (_of_twin(network, end) for end in (pathway.source, pathway.target))
        made.append(Pathway(pathway.name + CLEAN, source, target, tie=Tie(pathway.name), rule=fixed, role=Role.OTHER))
    told = {"rule": fixed, "initial": _ONE, "connectivity": "one_to_one", "role": Role.OTHER}
    for name in ("target", "mask"):
        made.append(Pathway(f"{name}{CLEAN}", f"output.{name}", f"output{CLEAN}.{name}", **told))
    return tuple(made)


def _of_twin(network: recurrent.Config, end: str) -> str:
    population, _, variable = end.partition(".")
    return f"{population}{CLEAN}.{variable}" if population in network.layers else end


def expectations(layers: Sequence[str]) -> tuple[Pathway, ...]:
    """The twin's loss, told to populations as what they expect."""
    return tuple(
        Pathway(
            f"expected_{layer}", f"output{CLEAN}.loss_share", f"{layer}.expected",
            rule=recurrent.rule_of("fixed"), initial=_ONE, role=Role.OTHER,
        )
        for layer in layers
    )  # fmt: skip


def answer(shown: str) -> Pathway:
    """The twin's answer, told to the output as what it would be without noise."""
    told = {"rule": recurrent.rule_of("fixed"), "initial": _ONE, "connectivity": "one_to_one", "role": Role.OTHER}
    return Pathway(f"quiet{CLEAN}", f"output{CLEAN}.{shown}", "output.quiet", **told)
