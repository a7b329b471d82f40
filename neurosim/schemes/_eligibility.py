"""E-prop's rules on a recurrent network: which filter each presynaptic neuron carries, which rule each synapse has.

The neurons determine both, see `neurosim.schemes._local_dynamics`. Filters that are equal are one variable: with the
same time constant everywhere each neuron has one filtered rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from neurosim import registry
from neurosim.circuit.description import Population
from neurosim.equations.evaluated import evaluated
from neurosim.errors import ConfigError, NeurosimError
from neurosim.networks import Part, neuron_of, recurrent
from neurosim.rules._eligibility import Readout, eprop, feedback_delta, rate_cost, readout_delta
from neurosim.schemes._local_dynamics import Local, LowPass, NoTraceError, local_dynamics, output_filter
from neurosim.schemes._pairing import PORTS


@dataclass(frozen=True)
class Carried:
    """A filtered variable of a presynaptic population.

    Attributes
    ----------
    population, source
        Who carries it, and what it filters.
    name
        What it is called.
    filtered
        The filter.
    """

    population: str
    source: str
    name: str
    filtered: LowPass


class ReadingOut:
    """The filters and rules by which the readout of a network learns, whatever the neurons that it reads.

    Parameters
    ----------
    network
        The network.
    scheme
        Who asks, for messages.

    Raises
    ------
    ConfigError
        An output for which there is no trace, with those for which there is one.
    """

    def __init__(self, network: recurrent.Config, scheme: str) -> None:
        self.network, self.scheme = network, scheme
        self._names: dict[tuple[str, ...], str] = {}
        try:
            self.output = output_filter(recurrent.neuron_at(network, "output"))
        except NoTraceError as error:
            fitting = f"{_fitting(output_filter)} (a leaky_rate with the activation 'identity')"
            raise self._refused("output", str(error), fitting) from None

    def _refused(self, layer: str, why: str, fitting: str) -> ConfigError:
        kind = self.network.part_of(layer).kind
        return ConfigError.at(
            f"network.{recurrent.key_of(self.network, layer)}.kind",
            f"got '{kind}' for {layer}, of which the scheme '{self.scheme}' knows no trace: {why}; expected one of "
            f"{fitting}",
        )

    def filter_into(self, layer: str) -> LowPass | None:
        """How a population filters what drives it, as far as presynaptic neurons carry it."""
        return self.output if layer == "output" else None

    def carried(self, link: recurrent.DrivingLink) -> Carried | None:
        """The filtered variable that the rule of a pathway reads; none where it reads the source itself."""
        filtered = self.filter_into(link.post)
        if filtered is None:
            return None
        number = self._names.setdefault(filtered.key, f"{len(self._names) + 1}" if self._names else "")
        # What it filters is part of the name: a neuron may send one variable and show another.
        source = link.source.split(".")[1]
        return Carried(link.pre, source, f"{source}bar{number}", filtered)

    def read(self, link: recurrent.DrivingLink) -> str:
        """The variable of the presynaptic neuron that the rule of a pathway reads."""
        carried = self.carried(link)
        return link.source.split(".")[1] if carried is None else carried.name

    def populations(self, populations: Iterable[Population]) -> tuple[Population, ...]:
        """Populations that carry what the rules read."""
        carried = [one for one in map(self.carried, recurrent.links(self.network)) if one is not None]
        made: list[Population] = []
        for population in populations:
            for one in {c.name: c for c in carried if c.population == population.name}.values():
                lines, parameters = one.filtered.lines(one.name, one.source)
                population = recurrent.with_lines(population, *lines, parameters=parameters)
            made.append(_by_euler(population) if population.neuron.threshold is None else population)
        return tuple(made)

    def settings(self, link: recurrent.DrivingLink, learning_rate: float) -> Mapping[str, Any]:
        """Rule and parameters of a pathway into the output; of one that does not learn, nothing."""
        if not learning_rate:
            return {}
        return {"rule": readout_delta(self.read(link)), "parameters": {"learning_rate": learning_rate}}


class Eligibility(ReadingOut):
    """The same of all neurons of a network: the traces by which recurrent weights learn.

    Raises
    ------
    ConfigError
        A neuron for which there is no trace, with those for which there is one.
    """

    def __init__(self, network: recurrent.Config, scheme: str) -> None:
        super().__init__(network, scheme)
        self.local = {layer: self._local(layer) for layer in network.hidden_layers}

    def _local(self, layer: str) -> Local:
        try:
            local = local_dynamics(recurrent.neuron_at(self.network, layer))
        except NoTraceError as error:
            raise self._refused(layer, str(error), _fitting(local_dynamics)) from None
        if local.readout == "kept" and self.output is not None:
            raise ConfigError.at(
                "network.output_neuron.kind",
                f"got '{self.network.output_neuron.kind}', expected 'relay': the neurons of {layer} filter their "
                f"spikes for the readout themselves, and the scheme '{self.scheme}' follows one such filter",
            )
        return local

    def filter_into(self, layer: str) -> LowPass | None:
        """See `ReadingOut.filter_into`."""
        return super().filter_into(layer) if layer == "output" else self.local[layer].filtered

    def populations(self, populations: Iterable[Population]) -> tuple[Population, ...]:
        """Populations that carry what the rules read, the recurrent ones with what is read of their own state."""
        return tuple(
            recurrent.with_lines(each, *self.local[each.name].lines) if each.name in self.local else each
            for each in super().populations(populations)
        )

    def settings(self, link: recurrent.DrivingLink, learning_rate: float) -> Mapping[str, Any]:
        """Rule and parameters of a driving pathway; of one that does not learn, nothing."""
        if link.post == "output" or not learning_rate:
            return super().settings(link, learning_rate)
        local = self.local[link.post]
        readout: Readout = local.readout if local.readout == "kept" else "instant" if self.output is None else "leaky"
        parameters: dict[str, Any] = {"learning_rate": learning_rate}
        if readout == "leaky":
            parameters["tau_out"] = self._tau_out()
        return {"rule": eprop(local.form, pre=self.read(link), readout=readout), "parameters": parameters}

    def with_rate_cost(
        self, link: recurrent.DrivingLink, settings: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Settings of a driving pathway that learns by its e-prop rule, and to bring rates towards a target."""
        if not settings or link.post == "output":
            return settings
        rules = (settings["rule"], *rate_cost(self.local[link.post].form, pre=self.read(link)))
        return {**settings, "rule": rules, "parameters": {**settings["parameters"], **parameters}}

    def counting(self, populations: Iterable[Population], seconds: float) -> tuple[Population, ...]:
        """Populations whose spiking neurons know their mean rate in a presentation.

        Raises
        ------
        ConfigError
            A recurrent population that does not spike.
        """
        made: list[Population] = []
        for each in populations:
            if each.name in self.local:
                if each.neuron.threshold is None:
                    raise ConfigError.at(
                        "scheme.rate_cost",
                        f"got more than 0 with {each.name}, which does not spike and has no rate to regulate; "
                        "expected 0, or a neuron that spikes, such as 'discrete_lif'",
                    )
                sent = recurrent.sent(each.neuron)
                each = recurrent.with_lines(each, f"dmean_rate/dt = {sent}/(dt*{seconds!r}*second) : Hz")
            made.append(each)
        return tuple(made)

    def feedback_settings(self, layer: str, learning_rate: float) -> Mapping[str, Any]:
        """Rule and parameters of feedback that takes the steps of the readout weights beside it."""
        name = recurrent.readout_of(self.network, layer)
        link = next(link for link in recurrent.links(self.network) if link.name == name)
        return {"rule": feedback_delta(self.read(link)), "parameters": {"learning_rate": learning_rate}}

    def _tau_out(self) -> str:
        assert self.output is not None
        # The reach of a low-pass whose leak is minus its reach is one over its time constant.
        values = recurrent.neuron_at(self.network, "output").parameter_values
        return f"{1 / float(evaluated(self.output.reach, values, (), None))!r} second"


def _by_euler(population: Population) -> Population:
    return replace(population, method="euler") if population.model.state_variables else population


def _fitting(reads: Any) -> str:
    """The neurons of layers that a function takes."""
    fitting: list[str] = []
    for name in registry.names("neurons"):
        try:
            neuron = neuron_of(Part(kind=name))
            if all(port in neuron.ports for port in PORTS):
                reads(neuron)
                fitting.append(name)
        except (NeurosimError, NoTraceError, ValueError):  # others, and those of the user's that want settings
            continue
    return ", ".join(fitting)
