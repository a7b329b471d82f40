"""The state of a circuit: a flat mapping of plain arrays with the same names and shapes on both engines.

``W1.w`` and other synaptic variables ``(n_post, n_pre)``, or as the pathway's connectivity shapes them;
``W1.learning_rate``, ``W1.sigma`` (of noise on the
weights) and ``hidden1.tau_m`` parameters, scalars or one number a neuron; ``hidden1.v`` state variables: their values
at the start of each presentation, scalars, or ``(trial, n)`` where they carry over; ``W1.eligibility`` traces of
synapses likewise, ``(trial, n_post, n_pre)``. SI units throughout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr, ndtri

from neurosim.border import PRECISION, SEED, instance, public
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.per_synapse import values as per_synapse_values
from neurosim.circuit.plan import plan
from neurosim.circuit.weights import Initial
from neurosim.engines.bounds import all_within_bounds
from neurosim.errors import CircuitError, EquationError, UnitError
from neurosim.neurons._model import NeuronModel
from neurosim.random import stream
from neurosim.suggestions import did_you_mean
from neurosim.units import parse_quantity

State = dict[str, np.ndarray]


@public(
    circuit=instance(Circuit, expected="a Circuit; that of a model file is neurosim.load(name).circuit"),
    seed=SEED,
    dtype=PRECISION,
)
def initial_state(circuit: Circuit, seed: int, *, dtype: str = "float64") -> State:
    """Draw initial weights and collect all parameters.

    Parameters
    ----------
    circuit
        The circuit.
    seed
        The run's seed. A pathway's weights depend on the seed and its name alone; those drawn beyond the pathway's
        bounds are brought there.
    dtype
        ``float32`` or ``float64``; the weights are drawn in float64 and rounded.

    Returns
    -------
    dict
        As described at the top of this module.

    Examples
    --------
    >>> from neurosim import load
    >>> state = initial_state(load("lansdell2020/digits").circuit, 0)
    >>> state["W1.w"].shape, state["B1.w"].shape
    ((48, 64), (48, 32))
    """
    state: dict[str, np.ndarray | float] = {}
    graph = plan(circuit)
    for population, model in compose(circuit).items():
        values: dict[str, float | np.ndarray] = {**model.parameter_values, **model.initial_values}
        values |= per_neuron_values(circuit, population, model, seed)
        # Variables that pathways or the readout compute have no value of their own.
        state |= {f"{population}.{n}": v for n, v in values.items() if f"{population}.{n}" not in graph.nodes}
    state |= {name: 0.0 for name in broadcast(circuit) if name not in graph.nodes}
    for pathway in circuit.pathways:
        if pathway in circuit.owners:
            state[f"{pathway.name}.w"] = initial_weights(circuit, pathway.name, seed)
            for variable in pathway.synapse.synaptic_variables[1:]:
                trace = variable in pathway.synapse.trace_variables
                shape = () if trace else circuit.variable_shape(pathway.name, variable)
                start = parse_quantity(pathway.synapse.initial.get(variable, 0.0))
                state[f"{pathway.name}.{variable}"] = np.full(shape, start)
        state |= {f"{pathway.name}.{name}": value for name, value in pathway.rule_parameters.items()}
        if pathway.sigma is not None:
            state[f"{pathway.name}.sigma"] = pathway.sigma
    arrays = {name: np.asarray(value) for name, value in state.items()}
    changed = [f"{pathway.name}.w" for pathway in circuit.owners]
    arrays = all_within_bounds(np, circuit, arrays, arrays, changed)
    return {name: value.astype(dtype) for name, value in arrays.items()}


def per_neuron_values(circuit: Circuit, population: str, model: NeuronModel, seed: int) -> dict[str, np.ndarray]:
    """Parameters and starts that differ between the neurons of a population, in float64.

    What is random depends on the seed, the population (or the one as which it is drawn) and the variable alone.
    """
    declared, values = circuit.population[population], {}
    size, drawn_as = declared.size, declared.drawn_as or population
    for name, value in model.per_neuron.items():
        unit = model.equation_set.by_name[name].unit
        try:
            values[name] = value.values(size, unit, stream(seed, "parameters", drawn_as, name))
        except (EquationError, UnitError) as error:
            raise CircuitError(f"population '{population}': the values of '{name}': {error}") from None
    return values


def initial_weights(circuit: Circuit, pathway: str, seed: int) -> np.ndarray:
    """One pathway's weights at the start: drawn from its law, or as they are given, in float64.

    Raises
    ------
    NumericalError
        If a text gives numbers that are not finite.
    """
    law = circuit.pathway[pathway].start
    if not isinstance(law, Initial):
        what = f"the initial weights of pathway '{pathway}'"
        generator = stream(seed, "weights", pathway)
        return per_synapse_values(law, circuit.connectivity(pathway), circuit.ends(pathway), generator, what=what)
    drawn = _drawn(circuit, pathway, law, seed)
    if law.adjusted is None:
        return drawn
    return law.adjusted(drawn, *(initial_weights(circuit, other, seed) for other in law.beside))


def _drawn(circuit: Circuit, pathway: str, law: Initial, seed: int) -> np.ndarray:
    shape = circuit.weights_shape(pathway)
    if law.law == "constant":
        return np.full(shape, law.scale)
    received, sent = circuit.fans(pathway)
    width = law.width(sent, received, circuit.convergence(pathway))
    generator = stream(seed, "weights", pathway)
    if law.law == "normal":
        return width * generator.standard_normal(shape)
    if law.law == "truncated_normal":
        # A normal number within two standard deviations, by the inverse of its distribution.
        return width * ndtri(generator.uniform(ndtr(-2.0), ndtr(2.0), shape))
    if law.law == "orthogonal":
        # The longer side's columns; signs make the law uniform (Mezzadri 2007).
        rows, columns = shape[0], math.prod(shape[1:])
        q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.sign(np.diag(r))
        return width * (q if rows >= columns else q.T).reshape(shape)
    return width * generator.uniform(-1.0, 1.0, shape)


def check_stimuli(circuit: Circuit, stimuli: Mapping[str, object]) -> None:
    """Refuse stimuli for variables that do not exist or that the circuit computes.

    Raises
    ------
    CircuitError
        Naming the variable, and what could be meant.
    """
    free = [
        f"{population}.{equation.name}"
        for population, model in compose(circuit).items()
        for equation in model.equation_set.of("parameter")
        if f"{population}.{equation.name}" not in plan(circuit).nodes
    ]
    for name in stimuli:
        if name in plan(circuit).nodes:
            raise CircuitError(f"the stimulus '{name}' cannot be set: the circuit computes it")
        if name not in free:
            raise CircuitError(f"the stimulus '{name}' is no parameter of this circuit; {did_you_mean(name, free)}")


def learned_names(circuit: Circuit) -> tuple[str, ...]:
    """The synaptic variables that learning changes, qualified."""
    learning = {name for phase in circuit.phases for name in phase.learn}
    return tuple(
        f"{pathway.name}.{variable}"
        for pathway in circuit.pathways
        if pathway.name in learning
        for variable in pathway.synapse.learned
    )


def weights_of(circuit: Circuit, state: Mapping[str, np.ndarray], pathway: str) -> np.ndarray:
    """The weights a pathway uses: its own, those it is tied to, or what is derived.

    As ``(n_post, n_pre)``, zero where there is no synapse, or where synapses share weights in the shape that the
    connectivity gives them.
    """
    declared = circuit.pathway[pathway]
    if declared.derived is not None:
        return np.asarray(
            declared.derived.function(np, *(np.asarray(state[f"{p}.w"]) for p in declared.derived.pathways))
        )
    owner = circuit.owner(pathway)
    own = np.asarray(state[f"{owner}.w"])
    if own.ndim == 1:
        ends = circuit.ends(owner)
        made = circuit.connectivity(owner).synapses(ends)
        own = made.matrix(own[made.weight], ends)
    return np.swapaxes(own, 0, 1) if declared.tie is not None and declared.tie.transposed else own
