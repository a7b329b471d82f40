"""Seconds of one trial of a recurrent spiking network on the engine `brian`, beside the same network by hand in Brian2.

The benchmark of Vogels and Abbott with current-based synapses (CUBA): 3,200 excitatory and 800 inhibitory neurons,
2 % of all pairs connected, 1 s of model time in steps of 0.1 ms, Brian2's Cython code, float64. Weights, connections
and initial potentials are the same. Exit code 1 above what is asked.

A pathway here joins all pairs; those that are not connected have a weight of zero. Sparse pathways would do the same
work as the network by hand does.

    python -m benchmarks.recurrent_spiking

Sources: Vogels and Abbott (2005), Journal of Neuroscience 25:10786; Brette et al. (2007), Journal of Computational
Neuroscience 23:349, benchmark 2.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from benchmarks._command import Options, alone
from benchmarks._measuring import alternate, first_call, named, ratio, row, timed
from benchmarks._peers import files_of, taking_part
from benchmarks._results import Asked, Result, Table
from neurosim.circuit.description import Circuit, Pathway, Phase, Population
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.neurons._model import NeuronModel

TITLE = "Recurrent spiking network, one trial"
ROUNDS = 5
SIZES, CONNECTED, DT, DURATION = {"excitatory": 3200, "inhibitory": 800}, 0.02, 1e-4, "1 second"
#: What a spike adds to the conductance-like currents, in volt (they are multiplied with the membrane's resistance).
WEIGHTS = {"excitatory": 1.62e-3, "inhibitory": -9e-3}
INPUTS = {"excitatory": "ge", "inhibitory": "gi"}
#: At most this many times the time of the network by hand.
ASKED = 1.05
BY_HAND = "Brian2, cython"
#: By how much mean rates may differ: the same numbers in the same order, so that only last bits are left to chaos.
SAME = 0.05


def neuron() -> NeuronModel:
    """Integrate-and-fire with two exponential currents."""
    return NeuronModel(
        """
        dv/dt = (ge + gi - (v - v_rest))/tau_m : volt (unless refractory)
        dge/dt = -ge/tau_e : volt
        dgi/dt = -gi/tau_i : volt
        """,
        threshold="v > v_th",
        reset="v = v_reset",
        refractory="5 ms",
        method="exact",
        parameters={
            "tau_m": "20 ms",
            "tau_e": "5 ms",
            "tau_i": "10 ms",
            "v_th": "-50 mV",
            "v_reset": "-60 mV",
            "v_rest": "-49 mV",
        },
    )


def network() -> Circuit:
    """Two populations that reach both."""
    populations = tuple(Population(name, size, neuron()) for name, size in SIZES.items())
    pathways = tuple(
        Pathway(f"{pre}_{post}", f"{pre}.spikes", f"{post}.{INPUTS[pre]}") for pre in SIZES for post in SIZES
    )
    return Circuit("cuba", populations, pathways, (Phase("run", DURATION),))


def drawn() -> dict[str, np.ndarray]:
    """Who is connected, pathway -> (n_post, n_pre), and initial potentials in volt."""
    generator = np.random.default_rng(0)
    found = {
        f"{pre}_{post}": generator.random((SIZES[post], SIZES[pre])) < CONNECTED for pre in SIZES for post in SIZES
    }
    return found | {f"{name}_v": -60e-3 + 10e-3 * generator.random(size) for name, size in SIZES.items()}


def measure(options: Options) -> Result:
    """Measure, and compare."""
    circuit, data = network(), drawn()
    engine = BrianEngine(circuit, Setting("spiking", DT, "float64"), "cython")
    state: dict[str, Any] = dict(initial_state(circuit, 0))
    state |= {f"{p.name}.w": WEIGHTS[p.pre] * data[p.name].astype(float) for p in circuit.pathways}
    state |= {f"{name}.v": data[f"{name}_v"] for name in SIZES}
    counted = tuple(f"{name}.spikes" for name in SIZES)
    found: dict[str, Any] = {}

    def simulated() -> None:
        _, outputs = engine.run(state, {}, record=counted, learn=False, trials=1)
        found.update({name: float(outputs.recordings[name].mean()) / DT for name in counted})

    first = first_call(simulated)
    rates = np.array([[found[name] for name in counted]])
    place, files = options.environments, files_of("recurrent_spiking") if options.peers else []
    given = data | {f"{name}_weight": np.array(weight) for name, weight in WEIGHTS.items()}
    with taking_part(files, "recurrent_spiking", given, environments=place, rates=rates, tolerance=SAME) as peers:
        calls = {"neurosim, engine brian": timed(simulated)} | {peer.label: peer.round for peer in peers.ready}
        rounds = alternate(calls, options.rounds or ROUNDS)
        peers.missing |= rounds.lost
        notes = {
            "neurosim, engine brian": f"float64, first call {first:.1f} s, {rates[0, 0]:.2f} and {rates[0, 1]:.2f} Hz"
        }
        for peer in peers.ready:
            hertz = " and ".join(f"{rate:.2f}" for rate in peer.rates)
            notes[peer.label] = f"{peer.note}, first call {peer.first:.1f} s, {hertz} Hz"
    rows = [row(name, taken, 1.0, notes[name]) for name, taken in rounds.seconds.items()]
    hand = named(rows, BY_HAND)
    return Result(
        title=TITLE,
        about="The benchmark of Vogels and Abbott with current-based synapses (CUBA): 4,000 neurons, 2 % of all pairs "
        "connected, 1 s of model time in steps of 0.1 ms, one trial. Both make the network, run it, and count spikes; "
        "imports and compiling are left out. A pathway here joins all pairs, with a weight of zero where there is no "
        "connection: there are no sparse pathways yet, so that fifty times as many synapses are made and passed.",
        tables=(Table("Time", "s", tuple(rows)),),
        asked=(Asked("ours over the network by hand", ASKED, ratio(rows[0], hand) if hand else None, False),),
        missing=peers.missing,
        versions=peers.versions,
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
