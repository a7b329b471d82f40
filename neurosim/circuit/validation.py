"""Faults of a circuit, all reported at once in the user's words.

(Over 300 lines: a list of faults, each a few lines by itself.)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from neurosim.circuit.connectivity import NAMED, Dense
from neurosim.circuit.images import Pooling
from neurosim.circuit.synapses import size_of
from neurosim.circuit.weights import Initial
from neurosim.errors import Fault, NeurosimError
from neurosim.suggestions import did_you_mean

if TYPE_CHECKING:
    from neurosim.circuit.description import Pathway, Phase
    from neurosim.circuit.wiring import Wiring

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
#: As in `neurosim.circuit.description`, which imports this module.
PERTURB = "perturb"


def faults_of(circuit: Wiring) -> list[Fault]:
    """Every fault, with its key path where it has one, but for those that only follow from an earlier one."""
    sentences = _description_faults(circuit)
    if not sentences:
        from neurosim.circuit.plan import plan

        try:
            plan(circuit)
        except NeurosimError as error:
            # Other keys are those of a neuron or of a setting, and mean nothing in a circuit.
            keyed = [fault for fault in error.faults if fault[0].startswith("populations.")]
            return keyed or [("", str(error))]
        sentences = _text_faults(circuit)
    return [("", sentence) for sentence in sentences]


def _description_faults(circuit: Wiring) -> list[str]:
    """Faults of populations, pathways and phases that need no equation of the whole circuit."""
    faults = [*_population_faults(circuit), *_pathway_faults(circuit), *_readout_faults(circuit)]
    return [*faults, *_loop_faults(circuit), *(f for phase in circuit.phases for f in _phase_faults(circuit, phase))]


def _text_faults(circuit: Wiring) -> list[str]:
    """Faults in the texts of phases and rules, once the circuit's equations are composed."""
    from neurosim.circuit.texts import text_faults

    faults = [fault for phase in circuit.phases for fault in _broadcast_faults(circuit, phase)]
    faults += [*_change_faults(circuit), *_over_time_faults(circuit), *text_faults(circuit)]
    return faults + [fault for pathway in circuit.pathways for fault in _rule_faults(circuit, pathway)]


def _population_faults(circuit: Wiring) -> Iterator[str]:
    names = [population.name for population in circuit.populations]
    if not names:
        yield "it has no populations"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two populations are called '{name}'"
    for population in circuit.populations:
        yield from _name_faults(population.name, "population")
        if population.size < 1:
            yield f"population '{population.name}' has {population.size} neurons; expected at least 1"
        if population.shape is not None and (
            len(population.shape) != 3 or min(population.shape) < 1 or size_of(population.shape) != population.size
        ):
            yield (
                f"population '{population.name}' has the shape {population.shape} and {population.size} neurons; "
                "expected (height, width, channels), whose product is the number of neurons"
            )
        elif population.neuron.means and population.size == population.channels:
            one = "each of its channels has one position" if population.shape else "it has one neuron"
            yield (
                f"population '{population.name}': '{population.neuron.name}' neurons need means over several, but "
                f"{one}; expected two or more"
            )
        if population.drawn_as and population.drawn_as not in circuit.population:
            missing = _missing(population.drawn_as, circuit.population, "population")
            yield f"population '{population.name}' is drawn as '{population.drawn_as}', {missing}"
        for name, value in population.model.per_neuron.items():
            equation = population.model.equation_set.by_name[name]
            if fault := value.fault(population.size, equation.unit):
                kind = "initial value" if equation.kind == "differential" else "parameter"
                yield f"population '{population.name}': the {kind} '{name}': {fault}"
        parameters = {equation.name for equation in population.model.equation_set.of("parameter")}
        for name in (*population.bind, *population.noise, *population.lots):
            if name not in parameters:
                yield f"population '{population.name}' sets '{name}', {_missing(name, parameters, 'parameter')}"


def _name_faults(name: object, what: str) -> Iterator[str]:
    """Refuse malformed names: they stand before a dot, and within names of Brian2's objects."""
    if not isinstance(name, str) or not _NAME.match(name) or "__" in name:
        yield f"{name!r} cannot be a {what}'s name; expected a letter, then letters, digits and single underscores"


def _pathway_faults(circuit: Wiring) -> Iterator[str]:
    names = [pathway.name for pathway in circuit.pathways]
    for name in names:
        yield from _name_faults(name, "pathway")
    for name in sorted({name for name in names if name in circuit.population}):
        yield f"'{name}' is the name of a pathway and of a population, so that '{name}.w' could be either's; rename one"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two pathways are called '{name}'"
    for pathway in circuit.pathways:
        where = f"pathway '{pathway.name}'"
        ends = {"source": pathway.source, "target": pathway.target}
        broken = False
        for end, text in ends.items():
            population, dot, variable = text.partition(".")
            if not dot or not variable:
                broken = True
                yield f"{where}: {end} '{text}' should be 'population.variable'"
            elif population not in circuit.population:
                broken = True
                missing = _missing(population, circuit.population, "population")
                yield f"{where}: {end} population '{population}', {missing}"
        if broken:
            continue
        yield from _end_faults(circuit, pathway, where)
        for name, value in pathway.synapse.parameters.items():
            if value is None and name not in pathway.parameters:
                yield f"{where}: the rule '{pathway.synapse.name}' needs a value for '{name}'"
        for name in pathway.parameters:
            if name not in pathway.synapse.parameters:
                yield f"{where}: '{name}', {_missing(name, pathway.synapse.parameters, 'parameter of the rule')}"
        yield from _tie_faults(circuit, pathway, where)
        yield from _initial_faults(circuit, pathway, where)
        yield from _derived_faults(circuit, pathway, where)
        yield from _noise_faults(pathway, where)
        if pathway.every < 1:
            yield f"{where}: learns in every {pathway.every} batches; expected at least 1"


def _end_faults(circuit: Wiring, pathway: Pathway, where: str) -> Iterator[str]:
    source = circuit.population[pathway.pre]
    target = circuit.population[pathway.post]
    variable = pathway.source.split(".")[1]
    known = [*source.model.equation_set.by_name, *_readout_names(circuit, source.name)]
    if variable == "spikes":
        if source.model.threshold is None:
            yield f"{where}: '{source.name}' never spikes, its neuron '{source.neuron.name}' has no threshold"
    elif variable not in known:
        yield f"{where}: source '{pathway.source}', {_missing(variable, known, 'variable')}"
    elif variable in source.model.truths:
        yield f"{where}: source '{pathway.source}' is a truth value; add a line such as 'sent = int({variable}) : 1'"
    variable = pathway.target.split(".")[1]
    equations = target.model.equation_set
    wanted = equations.of("differential" if pathway.at_spikes else "parameter")
    kind = "state variable that spikes can increment" if pathway.at_spikes else "input (a parameter)"
    # Inputs are sums of real numbers.
    real = [equation for equation in wanted if equation.unit not in ("integer", "boolean")]
    allowed = [equation.name for equation in real if "shared" not in equation.flags]
    if variable not in allowed:
        yield f"{where}: target '{pathway.target}', {_missing(variable, allowed, kind)}"
    elif variable in target.bind:
        yield f"{where}: '{pathway.target}' is bound to '{target.bind[variable]}' and takes no input"
    yield from _connectivity_faults(circuit, pathway, where)


def _connectivity_faults(circuit: Wiring, pathway: Pathway, where: str) -> Iterator[str]:
    connectivity = pathway.connectivity
    if isinstance(connectivity, str):
        yield f"{where}: connectivity '{connectivity}', {_missing(connectivity, NAMED, 'connectivity')}"
        return
    if pathway.tie is not None:
        return
    ends = f"'{pathway.pre}' -> '{pathway.post}'"
    yield from (f"{where} ({ends}): {fault}" for fault in connectivity.faults(circuit.ends(pathway.name)))
    if (chooses := isinstance(connectivity, Pooling) and connectivity.chooses) or pathway.chosen_by is not None:
        population, _, variable = (pathway.chosen_by or "").partition(".")
        known = circuit.population[pathway.post].model.equation_set.by_name
        if not chooses:
            yield f"{where}: chosen_by is '{pathway.chosen_by}', but no maximum is pooled; leave it out"
        elif population != pathway.post or variable not in known:
            yield (
                f"{where}: chosen_by is '{pathway.chosen_by}'; expected the variable of '{pathway.post}' that is pooled"
            )
    if not connectivity.weighted and (pathway.synapse.learns or pathway.sigma is not None):
        yield f"{where}: {connectivity} has no weights that could learn or be noisy; expected the rule 'fixed'"
    oracle = pathway.synapse.oracle
    if connectivity != Dense() and oracle is not None and not oracle.reads_gradient:
        yield (
            f"{where}: the rule '{pathway.synapse.name}' computes on the matrix of a dense pathway, and this one is "
            f"{connectivity}; use another rule, or dense connectivity"
        )


def _tie_faults(circuit: Wiring, pathway: Pathway, where: str) -> Iterator[str]:
    if pathway.tie is None:
        if "reciprocal" in pathway.synapse.reads and reciprocal_of(circuit, pathway) is None:
            yield (
                f"{where}: the rule '{pathway.synapse.name}' reads the reciprocal weight, but no pathway leads back "
                "along the same synapses"
            )
        return
    other = circuit.pathway.get(pathway.tie.pathway)
    if other is None:
        yield f"{where}: tied to '{pathway.tie.pathway}', {_missing(pathway.tie.pathway, circuit.pathway, 'pathway')}"
        return
    if other.tie is not None:
        yield f"{where}: tied to '{other.name}', which is tied itself"
        return
    if isinstance(other.connectivity, str):
        return
    if not other.connectivity.weighted:
        yield f"{where}: tied to '{other.name}', which has no weights ({other.connectivity})"
    expected = other.connectivity.reversed if pathway.tie.transposed else other.connectivity
    if expected is None:
        yield f"{where}: the weights of '{other.name}' ({other.connectivity}) cannot be transposed"
    elif pathway.connectivity not in (expected, Dense()):
        yield (
            f"{where}: its connectivity is that of '{other.name}'{' transposed' if pathway.tie.transposed else ''} "
            f"({expected}), got {pathway.connectivity}; leave it out"
        )
    ends = (other.post, other.pre) if pathway.tie.transposed else (other.pre, other.post)
    # Between other populations of the same sizes, synapses and weights are the same.
    alike = not pathway.tie.transposed and circuit.ends(pathway.name) == circuit.ends(other.name)
    if (pathway.pre, pathway.post) != ends and not (alike and pathway.pre != other.post):
        how = " transposed" if pathway.tie.transposed else ""
        asked = f"{pathway.pre} -> {pathway.post}"
        yield f"{where}: the weights of '{other.name}'{how} lead {ends[0]} -> {ends[1]}, not {asked}"
    if pathway.synapse.learns:
        yield f"{where}: it has no weights of its own and cannot learn by '{pathway.synapse.name}'"


def _loop_faults(circuit: Wiring) -> Iterator[str]:
    if circuit.delivered_at is not None and circuit.delivered_at not in [phase.name for phase in circuit.phases]:
        yield f"delivered_at: got '{circuit.delivered_at}', expected a phase at whose end feedback has been delivered"
    for loop in circuit.loops:
        for name in (*loop.forward, loop.feedback):
            if name not in circuit.pathway:
                yield f"the loop of '{loop.layer}' runs through '{name}', {_missing(name, circuit.pathway, 'pathway')}"


def _initial_faults(circuit: Wiring, pathway: Pathway, where: str) -> Iterator[str]:
    start = pathway.start
    if isinstance(start, Initial):
        for beside in start.beside:
            if beside not in circuit.pathway:
                yield f"{where}: drawn beside '{beside}', {_missing(beside, circuit.pathway, 'pathway')}"
    elif pathway.tie is not None:
        owner = pathway.tie.pathway
        yield f"{where}: initial is '{start}', and its weights are those of '{owner}'; leave it out"
    elif not isinstance(pathway.connectivity, str) and not pathway.connectivity.weighted:
        yield f"{where}: initial is '{start}', and {pathway.connectivity} has no weights; leave it out"


def _derived_faults(circuit: Wiring, pathway: Pathway, where: str) -> Iterator[str]:
    if pathway.derived is None:
        return
    if pathway.tie is not None or pathway.sigma is not None or pathway.connectivity != Dense() or pathway.at_spikes:
        yield f"{where}: derived weights can be neither tied nor noisy, and need dense connectivity and no spikes"
    for name in pathway.derived.pathways:
        if name not in circuit.pathway:
            yield f"{where}: derived from '{name}', {_missing(name, circuit.pathway, 'pathway')}"
        elif circuit.pathway[name].tie is not None:
            yield f"{where}: derived from '{name}', which has no weights of its own"


def _noise_faults(pathway: Pathway, where: str) -> Iterator[str]:
    if pathway.update_noise is not None:
        if not pathway.update_noise >= 0:
            yield f"{where}: the noise of its updates is {pathway.update_noise:g}; expected zero or a positive number"
        if "learning_rate" not in pathway.synapse.parameters:
            yield (
                f"{where}: the noise of its updates is scaled by the learning rate, which its rule "
                f"'{pathway.synapse.name}' does not have"
            )
    if pathway.sigma is None:
        return
    if not pathway.sigma > 0:
        yield f"{where}: the noise on its weights has sigma = {pathway.sigma:g}; expected a positive number"
    if pathway.tie is not None:
        yield f"{where}: it has no weights of its own; put the noise on those of '{pathway.tie.pathway}'"
    for name in ("noise", "sigma", PERTURB):
        if name in (*pathway.synapse.synaptic_variables, *pathway.synapse.parameters):
            yield f"{where}: '{name}' of the rule '{pathway.synapse.name}' is also a name of the noise on its weights"


def _readout_faults(circuit: Wiring) -> Iterator[str]:
    if (circuit.readout is None) != (circuit.output is None):
        yield "a readout needs an output variable, and an output needs a readout"
    if circuit.output is not None:
        population, _, variable = circuit.output.partition(".")
        if population not in circuit.population:
            yield f"output '{circuit.output}', {_missing(population, circuit.population, 'population')}"
        elif variable not in circuit.population[population].model.equation_set.by_name:
            known = circuit.population[population].model.equation_set.by_name
            yield f"output '{circuit.output}', {_missing(variable, known, 'variable')}"


def _phase_faults(circuit: Wiring, phase: Phase) -> Iterator[str]:
    where = f"phase '{phase.name}'"
    if [p.name for p in circuit.phases].count(phase.name) > 1:
        yield f"two phases are called '{phase.name}'"
    switches = {
        equation.name
        for population in circuit.populations
        for equation in population.model.equation_set.of("parameter")
        if "shared" in equation.flags
    } | ({PERTURB} if circuit.perturbed else set[str]())
    for name in phase.switches:
        if name not in switches:
            yield f"{where}: switch '{name}', {_missing(name, switches, 'shared parameter of any neuron')}"
    for name in phase.learn:
        if name not in circuit.pathway:
            yield f"{where}: learns '{name}', {_missing(name, circuit.pathway, 'pathway')}"
        elif not circuit.pathway[name].synapse.learns:
            yield f"{where}: pathway '{name}' cannot learn by its rule '{circuit.pathway[name].synapse.name}'"
    if phase.until is not None:
        population, _, variable = phase.until[0].partition(".")
        own = circuit.population.get(population)
        known = () if own is None else tuple(own.model.equation_set.by_name)
        if variable not in known:
            yield f"{where}: ends by '{phase.until[0]}', {_missing(variable, known, 'variable')}"
    for held in phase.hold:
        if held.population is not None and held.population not in circuit.population:
            yield f"{where}: holds '{held}', {_missing(held.population, circuit.population, 'population')}"


def _broadcast_faults(circuit: Wiring, phase: Phase) -> Iterator[str]:
    from neurosim.circuit.composition import broadcast

    known = {*broadcast(circuit), "t", "dt"}
    for held in (held for held in phase.hold if held.population is None):
        for name in sorted(held.statement.names - known):
            yield f"phase '{phase.name}': holds '{held}' of '{name}', {_missing(name, known, 'broadcast variable')}"


def _change_faults(circuit: Wiring) -> Iterator[str]:
    """Refuse a change of the loss without the held loss that it is measured from."""
    from neurosim.circuit.composition import LOSS_CHANGE, uses_change

    if circuit.readout is None or not uses_change(circuit):
        return
    if circuit.over_time:
        yield (
            f"'{LOSS_CHANGE}' compares the ends of two phases, but the loss of this circuit is over time; "
            "read 'loss' (of one step) or 'total_loss'"
        )
        return
    held = {held.target for phase in circuit.phases for held in phase.hold}
    for name, text in zip(circuit.readout.held_names, circuit.readout.held.values(), strict=True):
        wanted = f"{circuit.output_population}.{name}"
        if wanted not in held:
            yield f"'{LOSS_CHANGE}' is used, but no phase holds '{wanted} = {text}'"


def _over_time_faults(circuit: Wiring) -> Iterator[str]:
    """Refuse `over_time` without a readout, which defines the loss."""
    if circuit.over_time and circuit.readout is None:
        yield "over_time needs a loss, and the circuit has no readout; give it one, or leave out over_time"


def _rule_faults(circuit: Wiring, pathway: Pathway) -> Iterator[str]:
    from neurosim.circuit.synapse_faults import synapse_faults

    yield from _gradient_faults(circuit, pathway)
    reciprocal = reciprocal_of(circuit, pathway) if "reciprocal" in pathway.synapse.reads else None
    yield from synapse_faults(circuit, pathway, circuit.pathway[reciprocal] if reciprocal else None)


def _gradient_faults(circuit: Wiring, pathway: Pathway) -> Iterator[str]:
    from neurosim.circuit.moments import PHASE_END
    from neurosim.circuit.transmissions import recurrent_pathways, uncountable

    rule = pathway.synapse.oracle
    if rule is None or not rule.reads_gradient:
        return
    where = f"pathway '{pathway.name}': the rule '{rule.name}'"
    if circuit.readout is None:
        yield f"{where} reads the gradient of the loss, and the circuit has no readout, hence no loss; give it one"
    elif pathway.synapse.at(PHASE_END) is not rule:
        yield f"{where} reads the gradient of the loss and acts {rule.moment.phrase}; expected timing='phase_end'"
    if rule.hops is not None:
        for fault in uncountable(circuit, recurrent_pathways(circuit)):
            yield f"{where} counts recurrent transmissions (hops = {rule.hops}), and {fault}, or leave out hops"


def reciprocal_of(circuit: Wiring, pathway: Pathway) -> str | None:
    """The pathway that leads back along the same synapses and has weights of its own."""
    returning = [
        other.name
        for other in circuit.pathways
        if (other.pre, other.post) == (pathway.post, pathway.pre)
        and other.tie is None
        and other is not pathway
        and not isinstance(other.connectivity, str)
        and other.connectivity.reversed == pathway.connectivity
    ]
    return returning[0] if returning else None


def _readout_names(circuit: Wiring, population: str) -> list[str]:
    if circuit.readout is None or population != circuit.output_population:
        return []
    from neurosim.circuit.composition import uses_change

    added = circuit.readout.equations("v", change=uses_change(circuit), over_time=circuit.over_time)
    return [equation.name for equation in added]


def _missing(name: str, known: Collection[str], what: str) -> str:
    return f"which is no {what} here; {did_you_mean(name, sorted(known))}"
