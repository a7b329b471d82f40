"""Spikes under way, and what they do where they arrive; what synapses keep from step to step."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from neurosim.circuit.delays import delay_of
from neurosim.circuit.description import Pathway
from neurosim.circuit.spike_texts import SpikeText, is_plain, spike_text, strikes, trace_steps, values_under_way
from neurosim.engines.batched.snapshot import Arrays, Snapshot
from neurosim.engines.batched.stretch import Fixed, Stretch
from neurosim.engines.batched.synapses import Spread, at_delays, stepped_traces, strike
from neurosim.engines.batched.weights import deliver
from neurosim.engines.bounds import within_bounds
from neurosim.engines.slots import flight


def move_synapses(stretch: Stretch, start: Snapshot) -> Arrays:
    """Traces one step on, and what pathways without spikes send, all from the beginning of the step."""
    circuit, moved = stretch.plan.circuit, {}
    for name in stretch.synapses:
        pathway = circuit.pathway[name]
        if (steps := trace_steps(circuit, name)) is not None:
            moved |= stepped_traces(start, name, steps)
        if not pathway.at_spikes and pathway.delay is not None:
            size = circuit.population[pathway.pre].size
            for variable in values_under_way(circuit, name):
                read = f"{pathway.pre}.{variable}"
                sent = jnp.broadcast_to(start.probes.read_by(name, read, start[read]), (stretch.trials, size))
                moved |= _sent(start.values, flight(name, variable), sent)
    return moved


def travel(stretch: Stretch, fixed: Fixed, state: Arrays, spiked: Arrays, start: Snapshot) -> None:
    """Let spikes act where they arrive: those of each pathway in turn, then those of the neurons behind synapses.

    Parameters
    ----------
    state
        After state updates and thresholds; changed in place.
    spiked
        The spikes of this step.
    start
        The beginning of the step, whose inputs still hold.
    """
    circuit = stretch.plan.circuit
    for pathway in circuit.pathways:
        if not strikes(circuit, pathway.name) or (pathway.at_spikes and pathway.target not in stretch.live):
            continue
        source = f"{pathway.pre}.spikes"
        sent = fixed.probes.read_by(pathway.name, source, spiked[source])
        spikes, at = _arriving(stretch, pathway, state, sent)
        text = _text(stretch, pathway, "pre")
        if is_plain(circuit, pathway.name) and spikes is not None:
            _add(stretch, state, pathway.target, deliver(circuit, pathway.name, state, fixed.weights, spikes))
        elif text is not None:
            _strike(stretch, fixed, state, start, pathway, text, at)
    for pathway in circuit.pathways:
        if (text := _text(stretch, pathway, "post")) is not None:
            behind = Spread.of(circuit, pathway.name).from_post(spiked[f"{pathway.post}.spikes"])
            _strike(stretch, fixed, state, start, pathway, text, behind)


def _text(stretch: Stretch, pathway: Pathway, side: Any) -> SpikeText | None:
    circuit, learning = stretch.plan.circuit, pathway.name in stretch.struck
    # In a batch that shares weights, bounds hold after the increments of all trials.
    return spike_text(circuit, pathway.name, side, learning=learning, bounded=learning and stretch.trials == 1)


def _strike(
    stretch: Stretch,
    fixed: Fixed,
    state: Arrays,
    start: Snapshot,
    pathway: Pathway,
    text: SpikeText,
    at: Any,
) -> None:
    now = fixed.snapshot(stretch.plan, state, inputs=start)
    struck = strike(now, pathway.name, text, {}, at, stretch.trials)
    for name, values in struck.own.items():
        trace = name.split(".")[1] in pathway.synapse.trace_variables
        state[name] = values if trace else _shared(stretch, pathway, name, state, values)
    for target, arriving in struck.delivered.items():
        _add(stretch, state, target, arriving)


def _shared(stretch: Stretch, pathway: Pathway, name: str, state: Arrays, values: Any) -> Any:
    """Weights shared by all trials, from the changes that each trial would make."""
    if stretch.trials == 1:
        return values[0]
    changes = values - state[name]
    summed = jnp.mean(changes, axis=0) if pathway.reduction == "mean" else jnp.sum(changes, axis=0)
    after = state[name] + summed
    return within_bounds(jnp, stretch.plan.circuit, pathway.name, state, after) if name.endswith(".w") else after


def _arriving(stretch: Stretch, pathway: Pathway, state: Arrays, spikes: Any) -> tuple[Any, Any]:
    """The spikes that arrive in this step, those of this step having been sent: of each neuron, and at each synapse.

    Those of neurons are none where synapses have delays of their own.
    """
    circuit = stretch.plan.circuit
    spread, delay = Spread.of(circuit, pathway.name), delay_of(circuit, pathway.name, stretch.dt)
    name = flight(pathway.name, "spikes")
    if delay.each is not None:
        sent = spikes[:, None, :]
        if delay.depth:
            sent = jnp.concatenate([sent, state[name].astype(spikes.dtype)], axis=1)
            state[name] = sent[:, :-1]
        return None, at_delays(spread, sent, delay.each)
    if not delay.depth:
        return spikes, spread.from_pre(spikes)
    arriving = state[name][..., -1, :]
    state |= _sent(state, name, spikes)
    return arriving, spread.from_pre(arriving)


def _sent(values: Any, name: str, sent: Any) -> Arrays:
    """A slot of what is under way, with the newest first and the oldest left out."""
    before = values[name]
    return {name: jnp.concatenate([sent[:, None, :].astype(before.dtype), before[:, :-1]], axis=1)}


def _add(stretch: Stretch, state: Arrays, target: str, arriving: Any) -> None:
    """Add to a state variable, unless refractoriness clamps it."""
    population, _, variable = target.partition(".")
    equation = stretch.plan.models[population].equation_set.by_name[variable]
    ready = f"{population}.not_refractory"
    if "unless refractory" in equation.flags and ready in state:
        arriving = jnp.where(state[ready], arriving, jnp.zeros_like(arriving))
    state[target] = state[target] + arriving
