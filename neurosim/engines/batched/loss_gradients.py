"""The gradient of the loss for rules that read it: a presentation of its own, in which nothing learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from neurosim.circuit.composition import reported_loss
from neurosim.circuit.description import Phase
from neurosim.circuit.moments import at_end
from neurosim.circuit.ruleless import without_rules
from neurosim.circuit.transmissions import recurrent_pathways
from neurosim.engines.batched.batch import Arrays, Batch, Outcome, Request
from neurosim.engines.batched.forward_mode import forward_gradient
from neurosim.engines.batched.probes import Probes, sent_by, zeros
from neurosim.engines.batched.surrogate import with_surrogate
from neurosim.engines.batched.transmissions import by_transmissions, in_full
from neurosim.rules._oracle import gradient_name


def loss_gradients(
    request: Request, batch: Batch, phase: Phase, present: Callable[[Request, Batch], Outcome]
) -> Arrays:
    """The gradient of the mean loss at the end of a phase with respect to the weights whose rules read it.

    Parameters
    ----------
    request, batch
        Of the presentation, in which weights are those that rules at its beginning leave.
    phase
        The one that ends.
    present
        Presents a batch.

    Returns
    -------
    dict
        By `gradient_name` of the pathway, in the shape of its weights.
    """
    by_pathway: Arrays = {}
    reading: dict[tuple[int | None, float | None, bool], list[str]] = {}
    for pathway in at_end(request.circuit, phase, request.learn):
        rule = pathway.synapse.oracle
        if rule is not None and rule.reads_gradient:
            reading.setdefault((rule.hops, rule.surrogate_width, rule.forward), []).append(pathway.name)
    for how, pathways in reading.items():
        gradients = _of(request, batch, phase, present, how, [f"{name}.w" for name in pathways])
        by_pathway |= {gradient_name(name): gradients[f"{name}.w"] for name in pathways}
    return by_pathway


def _of(
    request: Request,
    batch: Batch,
    phase: Phase,
    present: Callable[[Request, Batch], Outcome],
    how: tuple[int | None, float | None, bool],
    names: list[str],
) -> Arrays:
    hops, width, forward = how
    circuit, loss = without_rules(request.circuit), reported_loss(request.circuit)
    run = [each.name for each in request.run]
    setting = with_surrogate(circuit, request.setting, width)
    alone = replace(
        request,
        circuit=circuit,
        setting=setting,
        report=(loss,),
        record=(),
        learn=False,
        phases=tuple(run[: run.index(phase.name) + 1]),
        watch="",
        differentiated=True,
    )

    def presented(weights: Mapping[str, Any], cut: Any) -> Any:
        there = replace(batch, values={**batch.values, **weights}, probes=Probes(cut=cut))
        outcome = present(alone, there)
        return (jnp.mean(outcome.ends[phase.name][loss][:, 0]), sent_by(outcome)), None

    at = ({name: batch.values[name] for name in names},)
    if forward:
        return forward_gradient(lambda weights: presented(weights, {})[0][0], *at)
    if hops is None:
        return in_full(presented, at)[1][0]
    steps = sum(each.steps(setting.dt) for each in alone.run)
    cut = zeros(circuit, recurrent_pathways(request.circuit), steps, batch.trials, setting.dtype)
    return by_transmissions(presented, at, cut, hops)[2][0]
