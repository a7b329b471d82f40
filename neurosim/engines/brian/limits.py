"""Limits of Brian2's engine: one trial runs after the other, and everything is a sum over synapses."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import BATCH_SUMS, broadcast, compose
from neurosim.circuit.connectivity import is_linear
from neurosim.circuit.delays import delay_of
from neurosim.circuit.description import Pathway
from neurosim.circuit.moments import PHASE_END, STEP, acting
from neurosim.engines._engine import Call, Limit, Names
from neurosim.engines.limits import NO_GRADIENT, plain_steps
from neurosim.engines.noise import needs_update_noise
from neurosim.engines.setting import Setting

_OTHER_TARGET = "use the target 'numpy' or 'cython'"


def _no_time(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if setting.steady:
        yield {}


def _uneven(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if call.trials % call.batch:
        yield {"trials": call.trials, "batch": call.batch}


def _ending(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    yield from ({"phase": phase.name} for phase in call.phases_of(circuit) if phase.until is not None)


def _not_linear(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for pathway in circuit.pathways:
        connectivity = circuit.connectivity(pathway.name)
        if not is_linear(connectivity):
            yield {"pathway": pathway.name, "connectivity": connectivity}


def _stepping(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if call.batch > 1:
        for pathway in acting(circuit, circuit.phases, learn=call.learn):
            if pathway.synapse.at(STEP) is not None or pathway.synapse.learns_at_spikes:
                yield {"pathway": pathway.name}


def _batch_sums(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if call.trials > 1:
        yield from ({"name": name} for name in BATCH_SUMS if name in broadcast(circuit))


def _pieces(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if call.pieces:
        yield {}


def _own_weights(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if call.own_weights and call.trials > 1 and _learning(circuit, call):
        yield {"trials": call.trials}


def _sampled(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if call.sampled:
        yield {"recorded": ", ".join(call.sampled)}


def _carry(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if circuit.carry and call.batch > 1:
        yield {"batch": call.batch}


def _derived(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    yield from ({"pathway": pathway.name} for pathway in circuit.pathways if pathway.derived is not None)


def _learning(circuit: Circuit, call: Call) -> tuple[Pathway, ...]:
    return acting(circuit, circuit.phases, learn=call.learn)


def _reading(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for pathway in _learning(circuit, call):
        if set(pathway.synapse.reads) - {"population"}:
            yield {"pathway": pathway.name}


def _update_noise(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    yield from ({"pathway": each.name} for each in _learning(circuit, call) if needs_update_noise(each))


def _delays(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    again = call.trials > 1 or any(phase.restart for phase in call.phases_of(circuit)[1:])
    for pathway in circuit.pathways:
        if delay_of(circuit, pathway.name, setting.dt).depth and (again or not pathway.at_spikes):
            yield {"pathway": pathway.name}


def _beginning(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for each in acting(circuit, circuit.phases, learn=call.learn):
        others = (moment for moment in each.synapse.moments if moment not in (STEP, PHASE_END))
        yield from ({"pathway": each.name, "when": moment.phrase} for moment in others)


def _shared(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for pathway in _learning(circuit, call):
        if circuit.connectivity(pathway.name).shared:
            yield {"pathway": pathway.name}


def _drawing(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for population, model in compose(circuit).items():
        for equation in model.equation_set.of("subexpression"):
            if model.expressions[equation.name].draws:
                yield {"name": f"{population}.{equation.name}"}


LIMITS = (
    Limit(
        "setting",
        "the level `steady`",
        "the engine 'brian' simulates time, which the level 'steady' does not have; {remedy}",
        "use the engine 'batched'",
        _no_time,
    ),
    plain_steps("brian"),
    NO_GRADIENT,
    Limit(
        "call",
        "a number of trials that is no multiple of the batch",
        "{trials} trials do not divide into batches of {batch}; {remedy}",
        "give whole batches",
        _uneven,
    ),
    Limit(
        "phase",
        "a phase that ends once it has settled",
        "phase '{phase}' ends as soon as it has settled, and the engine 'brian' gives every phase its whole duration; "
        "{remedy}",
        "leave out the tolerance, or use the engine 'batched'",
        _ending,
    ),
    Limit(
        "pathway",
        "maximum pooling",
        "pathway '{pathway}' is {connectivity}, and the engine 'brian' can only sum over synapses; {remedy}",
        "use the engine 'batched', or pools of the average",
        _not_linear,
    ),
    Limit(
        "pathway",
        "a rule that acts at every step or at spikes, in batches of several trials",
        "the rule of pathway '{pathway}' acts within time steps; the engine 'brian' presents trials one after the "
        "other and cannot average it over a batch: {remedy}",
        "use batch = 1, with which each trial learns after the one before, or the engine 'batched'",
        _stepping,
    ),
    Limit(
        "circuit",
        "a sum over the trials of a batch",
        "'{name}' is a sum over trials that run at once; {remedy}",
        "use the engine 'batched'",
        _batch_sums,
    ),
)

#: Limits of the target ``cpp_standalone`` alone, which compiles a whole run before any of it happens.
STANDALONE = (
    Limit(
        "call",
        "standalone code: a presentation in pieces",
        "standalone code runs a presentation as a whole; to run it piece by piece, or to store where it ends, {remedy}",
        _OTHER_TARGET,
        _pieces,
    ),
    Limit(
        "call",
        "standalone code: several trials with weights of their own",
        "standalone code learns with one set of weights, and {trials} trials have weights of their own; {remedy}, "
        "set learn=False, or run one trial",
        _OTHER_TARGET,
        _own_weights,
    ),
    Limit(
        "call",
        "standalone code: recordings of weights, of sums, or of some steps only",
        "standalone code records variables of neurons at every step, not {recorded}; {remedy}",
        _OTHER_TARGET,
        _sampled,
    ),
    Limit(
        "circuit",
        "standalone code: state that carries over, in batches of several trials",
        "state carries over in each of {batch} trials of a batch, which standalone code cannot keep apart; {remedy}",
        "use batch = 1, or the target 'numpy' or 'cython'",
        _carry,
    ),
    Limit(
        "pathway",
        "standalone code: delays of pathways without spikes, or in several trials",
        "pathway '{pathway}' has a delay; in standalone code only spikes of a single trial without a restart can have "
        "delays; {remedy}",
        _OTHER_TARGET,
        _delays,
    ),
    Limit(
        "pathway",
        "standalone code: weights that are computed from others",
        "the weights of pathway '{pathway}' are computed from others, which standalone code cannot do; {remedy}",
        _OTHER_TARGET,
        _derived,
    ),
    Limit(
        "pathway",
        "standalone code: rules that read more than their synapses see",
        "the rule of pathway '{pathway}' reads more than its synapses see, which standalone code cannot do; {remedy}",
        _OTHER_TARGET,
        _reading,
    ),
    Limit(
        "pathway",
        "standalone code: noise of the updates of weights",
        "the updates of pathway '{pathway}' have noise, which standalone code cannot do; {remedy}",
        _OTHER_TARGET,
        _update_noise,
    ),
    Limit(
        "pathway",
        "standalone code: rules that act at the beginning of a presentation",
        "pathway '{pathway}' learns {when}, which standalone code cannot do; {remedy}",
        _OTHER_TARGET,
        _beginning,
    ),
    Limit(
        "population",
        "standalone code: random numbers in lines that are constant over a step",
        "'{name}' draws random numbers, which standalone code cannot do between two steps; {remedy}",
        _OTHER_TARGET,
        _drawing,
    ),
    Limit(
        "pathway",
        "standalone code: learning weights that synapses share",
        "the synapses of pathway '{pathway}' share their weights, which standalone code cannot do; {remedy}",
        _OTHER_TARGET,
        _shared,
    ),
)
