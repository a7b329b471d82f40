"""What neurons carry of how weights have moved their state: one number each, sent on by the network's own weights.

Where a neuron's state obeys ``ds/dt = F(s, drive)`` and it sends ``r(s)``, a change of the states goes on as the
derivative of that: along each neuron's own state by ``F_s``, to other neurons by ``r_s`` times the weight times their
``F_drive``. This is the forward derivative of the whole network along one direction, computed beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from neurosim.circuit.description import Initial, Pathway, Population, Role, Tie
from neurosim.errors import ConfigError
from neurosim.networks import recurrent
from neurosim.neurons import NeuronModel
from neurosim.schemes._eligibility import Eligibility
from neurosim.schemes._local_dynamics import Local

_ONE = Initial("constant", 1.0, None)
#: Added to squares of norms, which are zero at first.
_TINY = "1e-20"
_UNIT = "balance"


@dataclass(frozen=True)
class Influence:
    """Influence of sampled weights on all states, in the populations of a network.

    Attributes
    ----------
    network, scheme
        The network, and who asks, for messages.
    sampled
        The driving pathways whose weights are sampled.
    """

    network: recurrent.Config
    scheme: str
    sampled: Sequence[recurrent.DrivingLink]

    def populations(self, populations: Iterable[Population]) -> tuple[Population, ...]:
        """Populations that carry influence, and the unit that balances it.

        Raises
        ------
        ConfigError
            Neurons that spike.
        """
        traces = Eligibility(self.network, self.scheme)
        made: list[Population] = []
        for population in populations:
            if population.name in self.network.hidden_layers:
                population = self._carrying(population, traces.local[population.name])
            if population.name == "output":
                population = self._read_out(population, traces)
            for source in self._sources(population.name):
                population = recurrent.with_lines(population, f"{source}_squared = {source}**2 : 1")
            made.append(population)
        return (*made, Population(_UNIT, 1, self._balance(), method="euler"))

    def pathways(self) -> tuple[Pathway, ...]:
        """What carries influence from population to population, and what tells of sums."""
        layers = self.network.hidden_layers
        made = [
            self._told(f"{link.name}_influence", f"{link.pre}.sent_influence", f"{link.post}.transmitted", link.name)
            for link in recurrent.links(self.network)
            if link.pre in layers
        ]
        made += [self._told(f"credit_{layer}", "output.toward", f"{layer}.credit") for layer in layers]
        for name in (*layers, *(["output"] if self._filters else [])):
            made.append(self._told(f"kept_{name}", f"{_UNIT}.kept", f"{name}.kept"))
            made.append(self._told(f"moved_{name}", f"{name}.moved_squared", f"{_UNIT}.moved_squared"))
        for layer in self._throwing:
            made.append(self._told(f"fresh_{layer}", f"{_UNIT}.fresh", f"{layer}.fresh"))
            made.append(self._told(f"reach_{layer}", f"{layer}.reach_squared", f"{_UNIT}.{layer}_reach"))
        for pre, source in self._senders:
            made.append(self._told(f"{source}_{pre}", f"{pre}.{source}_squared", f"{_UNIT}.{pre}_{source}"))
        return tuple(made)

    @property
    def _filters(self) -> bool:
        return bool(recurrent.integrators(recurrent.neuron_at(self.network, "output")))

    @property
    def _throwing(self) -> tuple[str, ...]:
        """The populations with weights that are sampled."""
        return tuple(dict.fromkeys(link.post for link in self.sampled))

    @property
    def _senders(self) -> tuple[tuple[str, str], ...]:
        """Population and variable before the sampled weights."""
        return tuple(dict.fromkeys((link.pre, link.source.split(".")[1]) for link in self.sampled))

    def _sources(self, population: str) -> tuple[str, ...]:
        return tuple(source for pre, source in self._senders if pre == population)

    def _carrying(self, population: Population, local: Local) -> Population:
        if local.form not in ("rate", "rate_trace"):
            raise ConfigError.at(
                f"network.{recurrent.key_of(self.network, population.name)}.kind",
                f"got '{population.neuron.name}' for {population.name}, which spikes: the scheme '{self.scheme}' "
                "carries derivatives of rates from step to step; expected 'leaky_rate' or 'low_passed_rate', or "
                "scheme.kind = 'eprop'",
            )
        throws = population.name in self._throwing
        fresh = " + fresh*coin" if throws else ""
        lines = (
            *local.lines,
            *_steps(local),
            *_flow(fresh),
            "sent_influence = local_gain*influence : 1",
            "credit : Hz",
        )
        if throws:
            lines += ("coin = 2*int(rand() < 0.5) - 1 : 1 (constant over dt)", "fresh : 1")
            lines += ("reach_squared = local_reach**2 : 1",)
        return replace(recurrent.with_lines(population, *lines), method="euler")

    def _read_out(self, population: Population, traces: Eligibility) -> Population:
        """The output, which knows what the influence does to its answer, and by its error to the loss."""
        lines, touched = ("transmitted : 1",), "transmitted"
        if traces.output is not None:
            filtered, touched = traces.output, "influence"
            lines = (f"local_leak = dt*({filtered.leak}) : 1", f"local_reach = dt*({filtered.reach}) : 1", *_flow(""))
        made = recurrent.with_lines(population, *lines, "toward : Hz")
        bound = {**made.bind, "toward": f"error*{touched}"}
        return replace(made, bind=bound, method="euler" if traces.output is not None else made.method)

    def _balance(self) -> NeuronModel:
        """The unit that knows how large the sample is, in the mean, and keeps both of its factors alike."""
        added = " + ".join(
            f"{link.post}_reach*{link.pre}_{link.source.split('.')[1]}" for link in self.sampled
        )  # of what each step adds to the influence: squares over all weights
        sizes = dict(zip(self.network.hidden_layers, self.network.hidden, strict=True))
        neurons = sum(sizes[layer] for layer in self._throwing) or 1
        told = [*(f"{layer}_reach : 1" for layer in self._throwing), *(f"{p}_{s} : 1" for p, s in self._senders)]
        return NeuronModel(
            "\n".join(
                (
                    f"kept = ((size_squared + {_TINY})/(moved_squared + {_TINY}))**0.25 : 1",
                    f"fresh = (added/{neurons} + {_TINY})**0.25 : 1",
                    "dsize_squared/dt = (size_squared/kept**2 + added/fresh**2 - size_squared)/dt : 1",
                    f"added = {added or '0'} : 1",
                    "moved_squared : 1",
                    *told,
                )
            ),
            ports={"output": "kept"},
            method="euler",
            name=_UNIT,
        )

    def _told(self, name: str, source: str, target: str, weights: str = "") -> Pathway:
        rule = recurrent.rule_of("fixed")
        if weights:
            return Pathway(name, source, target, tie=Tie(weights), rule=rule, role=Role.OTHER)
        return Pathway(name, source, target, rule=rule, initial=_ONE, role=Role.OTHER)


def _steps(local: Local) -> tuple[str, ...]:
    """Leak and reach in a step, where the neuron's lines do not have them."""
    if local.filtered is None:
        return ()
    return f"local_leak = dt*({local.filtered.leak}) : 1", f"local_reach = dt*({local.filtered.reach}) : 1"


def _flow(fresh: str) -> tuple[str, ...]:
    """How influence goes on in a step, and what is needed for that."""
    return (
        "moved = influence + local_leak*influence + local_reach*transmitted : 1",
        "moved_squared = moved**2 : 1",
        f"dinfluence/dt = (kept*moved{fresh} - influence)/dt : 1",
        "transmitted : 1",
        "kept : 1",
    )
