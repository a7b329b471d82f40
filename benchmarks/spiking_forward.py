"""Time of one simulated step of a spiking network, beside a loop by hand in JAX and other simulators.

784-500-300-10 leaky integrate-and-fire neurons, tau 20 ms, dt 1 ms, 100 steps, batch 128, float32, about 5 % of the
inputs active in each step, forward only. All have the same weights and inputs. Exit code 1 if the loop by hand spikes
differently, or if we are slower than asked.

    python -m benchmarks.spiking_forward
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks._command import Options, alone
from benchmarks._layers import BATCH, SIZES, STEPS, bare_products
from benchmarks._measuring import alternate, first_call, named, ratio, row, timed
from benchmarks._peers import files_of, taking_part
from benchmarks._results import Asked, Result, Table
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import Stimulus
from neurosim.neurons import stimulus
from neurosim.neurons._model import NeuronModel

TITLE = "Spiking network, forward"
ROUNDS = 15
ACTIVE, KEEP = 0.05, np.float32(np.exp(-1 / 20))
#: Scales of the weights of each layer, in units of the threshold, by which it is about as active as the input.
SCALES = (10.0, 0.4, 0.7)
#: How many times faster we are asked to be: than the loop by hand, than the fastest peer, than Brian2's C++.
BY_HAND, FASTEST, BRIAN2 = 4.0, 4.0, 10.0
#: By how much rates may differ from those of the loop by hand, whose sums are in another order.
HAND_SAME = 1e-3
STANDALONE = "Brian2, C++ standalone"
#: By how much a peer's rates may differ, in each layer. The first one is the same in all. In most simulators a spike
#: also acts on neurons that spike in the same step (here their reset wipes it out), so that later layers spike more.
SAME = (1e-3, 0.2, 0.2)


def network() -> Circuit:
    """The layers and nothing else: the input is a current, the other layers send spikes that jump the potential."""
    neuron = NeuronModel(
        "dv/dt = (drive - v)/tau_m : 1\ndrive : 1",
        threshold="v > 1",
        reset="v = 0",
        parameters={"tau_m": "20 ms"},
    )
    names = ["input", *(f"layer{number}" for number in range(1, len(SIZES)))]
    populations = [Population("input", SIZES[0], stimulus.build(stimulus.Config()))]
    populations += [Population(name, size, neuron) for name, size in zip(names[1:], SIZES[1:], strict=True)]
    pathways = [Pathway("W1", "input.r", "layer1.drive")]
    pathways += [Pathway(f"W{k}", f"layer{k - 1}.spikes", f"layer{k}.v") for k in range(2, len(SIZES))]
    return Circuit("layers", tuple(populations), tuple(pathways), (Phase("run", f"{STEPS} ms"),))


def drawn() -> tuple[list[Any], Any]:
    """Weights (n_post, n_pre) and the input (step, trial, neuron), zeros and ones."""
    generator = np.random.default_rng(0)
    weights = [
        jnp.asarray(scale * generator.standard_normal((post, pre)) / np.sqrt(pre * ACTIVE), jnp.float32)
        for scale, (pre, post) in zip(SCALES, itertools.pairwise(SIZES), strict=True)
    ]
    return weights, jnp.asarray(generator.random((STEPS, BATCH, SIZES[0])) < ACTIVE, jnp.float32)


def simulation(circuit: Circuit, weights: list[Any], course: Any) -> Callable[..., Any]:
    """Our steps as a user runs them: spikes of each layer, if they are recorded, and the last layer's potential."""
    engine = BatchedEngine(circuit, Setting("spiking", 1e-3, "float32"))
    state = initial_state(circuit, 0, dtype="float32")
    state |= {f"W{number}.w": np.asarray(array) for number, array in enumerate(weights, start=1)}
    top, given = f"layer{len(SIZES) - 1}.v", {"input.r": Stimulus.from_steps(course)}

    def run(record: bool = False) -> Any:
        spikes = tuple(f"layer{number}.spikes" for number in range(1, len(SIZES))) if record else ()
        _, outputs = engine.run(state, given, report=(top,), record=spikes, learn=False)
        return outputs.ends["run"][top], [outputs.recordings[name] for name in spikes]

    return run


def by_hand(weights: list[Any], course: Any) -> Callable[..., Any]:
    """The same steps as a plain loop with a dense product for each layer."""

    @functools.partial(jax.jit, static_argnums=2)
    def compiled(weights: Any, course: Any, record: bool) -> Any:
        def step(potentials: Any, x: Any) -> Any:
            potentials = [KEEP * v for v in potentials]
            potentials[0] = potentials[0] + (1 - KEEP) * (x @ weights[0].T)
            spikes = [(v > 1).astype(jnp.float32) for v in potentials]
            for k in range(1, len(weights)):
                potentials[k] = potentials[k] + spikes[k - 1] @ weights[k].T
            after = [jnp.where(s > 0, 0.0, v) for s, v in zip(spikes, potentials, strict=True)]
            return after, [s > 0 for s in spikes] if record else []

        start = [jnp.zeros((BATCH, size), jnp.float32) for size in SIZES[1:]]
        after, spikes = jax.lax.scan(step, start, course)
        return after[-1], spikes

    return lambda record=False: jax.device_get(compiled(weights, course, record))


def measure(options: Options) -> Result:
    """Measure, and compare."""
    weights, course = drawn()
    runs = {"neurosim": simulation(network(), weights, course), "JAX, dense loop by hand": by_hand(weights, course)}
    limit = bare_products(weights, course)
    limit()
    first = {name: first_call(run) for name, run in runs.items()}
    # (trial, layer) each
    rates = {n: np.stack([np.mean(s, axis=(0, 2)) for s in run(record=True)[1]], axis=1) for n, run in runs.items()}
    ours, hand = rates.values()
    data = {f"w{k}": w for k, w in enumerate(weights, start=1)}
    data |= {"course": np.asarray(course, np.uint8), "keep": KEEP, "sizes": SIZES}
    calls = {name: timed(run) for name, run in runs.items()} | {"the same products alone": timed(limit)}
    found = files_of("spiking_forward") if options.peers else []
    place = options.environments
    with taking_part(found, "spiking_forward", data, environments=place, rates=ours, tolerance=SAME) as peers:
        rounds = alternate(calls | {peer.label: peer.round for peer in peers.ready}, options.rounds or ROUNDS)
        peers.missing |= rounds.lost
        notes = {
            name: f"float32, first call {first[name]:.1f} s, rates {_text(rates[name].mean(axis=0))}" for name in runs
        }
        notes |= {"the same products alone": "float32, weights and activities of these shapes"}
        trials = dict.fromkeys(calls, BATCH)
        for peer in peers.ready:
            notes[peer.label] = f"{peer.note}, first call {peer.first:.1f} s, rates {_text(peer.rates)}"
            trials[peer.label] = peer.trials
    rows = [row(n, taken, 1e6 / (STEPS * trials[n]), notes[n]) for n, taken in rounds.seconds.items()]
    own, dense = rows[:2]
    others, brian2 = [found for found in rows if found.name not in calls], named(rows, STANDALONE)
    return Result(
        title=TITLE,
        about="A 784-500-300-10 network of leaky integrate-and-fire neurons, forward only: time constant 20 ms, 100 "
        "steps of 1 ms, batches of 128 trials (single trials where a simulator has no batches), about 5 % of all "
        "inputs and neurons active in a step. Weights and inputs are the same for all. Spikes of the loop by hand "
        "are ours to the last one; others let spikes act in another place of the step, so their rates differ a little.",
        tables=(Table("Time", "µs a trial and step", tuple(rows)),),
        asked=(
            Asked(
                "relative difference of our rates from those of the loop by hand",
                HAND_SAME,
                _difference(ours.mean(axis=0), hand.mean(axis=0)),
                False,
            ),
            Asked("dense loop by hand over ours", BY_HAND, ratio(dense, own), True),
            Asked("fastest peer over ours", FASTEST, min((ratio(o, own) for o in others), default=None), True),
            Asked("Brian2, C++ standalone, over ours", BRIAN2, ratio(brian2, own) if brian2 else None, True),
        ),
        missing=peers.missing,
        versions=peers.versions,
    )


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.max(np.abs(theirs / ours - 1)))


def _text(rates: Any) -> str:
    return ", ".join(f"{rate:.4f}" for rate in rates)


if __name__ == "__main__":
    sys.exit(alone(measure))
