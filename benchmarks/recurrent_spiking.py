"""Seconds of one trial of a recurrent spiking network on the engine `brian`, beside the same network by hand in Brian2.

The benchmark of Vogels and Abbott with current-based synapses (CUBA): 3,200 excitatory and 800 inhibitory neurons,
2 % of all pairs connected, 1 s of model time in steps of 0.1 ms, Brian2's Cython code, float64. Weights, connections
and initial potentials are the same. Exit code 1 above what is asked.

    python -m benchmarks.recurrent_spiking

Sources: Vogels and Abbott (2005), Journal of Neuroscience 25:10786; Brette et al. (2007), Journal of Computational
Neuroscience 23:349, benchmark 2.
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks._command import Options, alone
from benchmarks._measuring import alternate, first_call, named, ratio, row, timed
from benchmarks._peers import files_of, taking_part
from benchmarks._results import Asked, Result, Table
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.description import Initial, Pathway, Phase, Population
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.neurons._model import NeuronModel

TITLE = "Recurrent spiking network, one trial"
ROUNDS = 5
SIZE, CONNECTED, DT, DURATION = 4000, 0.02, 1e-4, "1 second"
#: The first of the senders of each pathway, and the one past the last.
SENDERS = {"excitatory": (0, 3200), "inhibitory": (3200, 4000)}
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
    """One population, and a pathway from either part of it to all of it."""
    pathways = tuple(
        Pathway(
            name,
            "cells.spikes",
            f"cells.{INPUTS[name]}",
            connectivity=Sparse(CONNECTED, draw, senders),
            initial=Initial("constant", WEIGHTS[name], fan=None),
        )
        for draw, (name, senders) in enumerate(SENDERS.items())
    )
    return Circuit("cuba", (Population("cells", SIZE, neuron()),), pathways, (Phase("run", DURATION),))


def data_of(circuit: Circuit) -> dict[str, np.ndarray]:
    """What the network by hand needs: who is connected, weights, and initial potentials in volt."""
    given = {"v": -60e-3 + 10e-3 * np.random.default_rng(0).random(SIZE)}
    for name in SENDERS:
        made = circuit.connectivity(name).synapses(circuit.ends(name))
        given |= {f"{name}_pre": made.pre, f"{name}_post": made.post, f"{name}_weight": np.array(WEIGHTS[name])}
    return given


def measure(options: Options) -> Result:
    """Measure, and compare."""
    circuit = network()
    data = data_of(circuit)
    engine = BrianEngine(circuit, Setting("spiking", DT, "float64"), "cython")
    state = {**initial_state(circuit, 0), "cells.v": data["v"]}
    found: dict[str, float] = {}

    def simulated() -> None:
        _, outputs = engine.run(state, {}, record=("cells.spikes",), learn=False, trials=1)
        spikes = outputs.recordings["cells.spikes"]
        found.update({name: float(spikes[..., slice(*part)].mean()) / DT for name, part in SENDERS.items()})

    first = first_call(simulated)
    rates = np.array([[found[name] for name in SENDERS]])
    place, files = options.environments, files_of("recurrent_spiking") if options.peers else []
    with taking_part(files, "recurrent_spiking", data, environments=place, rates=rates, tolerance=SAME) as peers:
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
        "imports and compiling are left out.",
        tables=(Table("Time", "s", tuple(rows)),),
        asked=(Asked("ours over the network by hand", ASKED, ratio(rows[0], hand) if hand else None, False),),
        missing=peers.missing,
        versions=peers.versions,
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
