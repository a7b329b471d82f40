"""What works on single spikes have in common: processor time, and networks whose trials differ in how they begin."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks import recurrent_spiking
from benchmarks._command import Options
from benchmarks._measuring import LEAST, alternate, first_call, named, ratio, row
from benchmarks._peers import files_of, taking_part
from benchmarks._results import Asked, Result, Row, Table
from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state

ROUNDS, DT = 5, 1e-4
STANDALONE = "Brian2, C++ standalone"
#: By how much mean rates may differ: the networks are chaotic, and one simulates in float32, the other in float64.
SAME = 0.1


def on_processors(call: Callable[[], Any]) -> Callable[[], float]:
    """A contender from a call: seconds of processor time a call, of all threads, over calls that fill a round."""

    def seconds() -> float:
        begin, since, calls = time.process_time(), time.perf_counter(), 0
        while time.perf_counter() - since < LEAST:
            call()
            calls += 1
        return (time.process_time() - begin) / calls

    return seconds


@dataclass(frozen=True)
class Batch:
    """Trials of a network that are run together.

    Attributes
    ----------
    trials
        How many.
    asked
        At most which share of Brian2's processor time a trial may take.
    own_weights
        Whether each trial has weights of its own.
    """

    trials: int
    asked: float
    own_weights: bool = False

    @property
    def name(self) -> str:
        """What it is called in the table."""
        if self.trials == 1:
            return "neurosim, one trial"
        return f"neurosim, {self.trials} trials" + (" with weights of their own" if self.own_weights else "")


def simulation(circuit: Circuit, given: Mapping[str, np.ndarray], batch: Batch) -> Callable[[], float]:
    """A run of a second of model time, which gives the mean rate of its first trial, in hertz.

    Parameters
    ----------
    circuit
        With one population, ``cells``, and one phase of a second.
    given
        What trials begin with: variable -> ``(trial, neuron)``, or of synapses the same for all trials.
    batch
        Which of the trials are run.
    """
    size, engine = circuit.population["cells"].size, BatchedEngine(circuit, Setting("spiking", DT, "float32"))
    state = {**initial_state(circuit, 0, dtype="float32"), **given}
    state["cells.v"] = np.asarray(given["cells.v"][: batch.trials], np.float32)

    def run() -> float:
        _, outputs = engine.run(
            state, {}, record=("sum(cells.spikes)",), trials=batch.trials, own_weights=batch.own_weights
        )
        return float(outputs.recordings["sum(cells.spikes)"][:, 0].sum()) / size

    return run


def compared(
    work: str,
    circuit: Circuit,
    given: Mapping[str, np.ndarray],
    data: Mapping[str, np.ndarray],
    batches: Sequence[Batch],
    options: Options,
) -> tuple[Table, tuple[Asked, ...], Mapping[str, str], Mapping[str, str]]:
    """Processor time of a trial, ours and that of the peers.

    Parameters
    ----------
    work
        Its name.
    circuit, given
        As of `simulation`.
    data
        What peers get.
    batches
        What we run.
    options
        How to measure.

    Returns
    -------
    tuple
        The table, what is asked for, the peers that are missing, and the versions of the others.
    """
    runs = {batch.name: simulation(circuit, given, batch) for batch in batches}
    first = {name: first_call(run) for name, run in runs.items()}
    hertz = {name: run() for name, run in runs.items()}
    rates, found = np.array([[hertz[batches[0].name]]]), files_of(work) if options.peers else []
    place = options.environments
    with taking_part(found, work, data, environments=place, rates=rates, tolerance=SAME) as peers:
        calls = {name: on_processors(run) for name, run in runs.items()}
        calls |= {peer.label: peer.round for peer in peers.ready}
        rounds = alternate(calls, options.rounds or ROUNDS)
        peers.missing |= rounds.lost
        notes = {name: f"float32, first call {first[name]:.1f} s, {hertz[name]:.2f} Hz" for name in runs}
        notes |= {p.label: f"{p.note}, first call {p.first:.1f} s, {p.rates[0]:.2f} Hz" for p in peers.ready}
    trials = {batch.name: batch.trials for batch in batches}
    rows = [row(name, taken, 1 / trials.get(name, 1), notes[name]) for name, taken in rounds.seconds.items()]
    theirs = named(rows, STANDALONE)
    asked = tuple(_asked(batch, rows, theirs) for batch in batches)
    return Table("Processor time", "s a trial", tuple(rows)), asked, peers.missing, peers.versions


def _asked(batch: Batch, rows: Sequence[Row], theirs: Row | None) -> Asked:
    ours = named(rows, batch.name)
    found = ratio(ours, theirs) if ours is not None and theirs is not None else None
    return Asked(f"{batch.name}: a trial over one of {STANDALONE}", batch.asked, found, False)


def cuba(work: str, title: str, options: Options, batches: Sequence[Batch], delay: str, about: str) -> Result:
    """The benchmark of Vogels and Abbott with delays.

    Parameters
    ----------
    delay
        ``none``, ``one`` of 1.5 ms, or one for ``each`` synapse, between 0.1 and 5 ms.
    about
        What is said of the delays.
    """
    plain = recurrent_spiking.network()
    data = recurrent_spiking.data_of(plain)
    generator = np.random.default_rng(1)
    delays: dict[str, Any] = {"none": lambda size: None, "one": lambda size: np.array(1.5e-3)}
    delays["each"] = lambda size: generator.uniform(1e-4, 5e-3, size)
    late = {name: delays[delay](len(data[f"{name}_pre"])) for name in recurrent_spiking.SENDERS}
    pathways = tuple(
        pathway if late[pathway.name] is None else replace(pathway, delay=_quantity(late[pathway.name]))
        for pathway in plain.pathways
    )
    data |= {f"{name}_delay": values for name, values in late.items() if values is not None}
    trials, size = max(batch.trials for batch in batches), recurrent_spiking.SIZE
    starts = np.concatenate([data["v"][None], -60e-3 + 10e-3 * generator.random((trials - 1, size))])
    circuit = replace(plain, pathways=pathways)
    table, asked, missing, versions = compared(work, circuit, {"cells.v": starts}, data, batches, options)
    text = (
        f"The benchmark of Vogels and Abbott with current-based synapses (CUBA), {about}: 4,000 neurons, 2 % of all "
        "pairs connected, 1 s of model time in steps of 0.1 ms. All count spikes. Brian2 runs single trials by its "
        "program as a whole, which reads its synapses from files; compiling is left out."
    )
    return Result(title, text, (table,), asked, dict(missing), dict(versions))


def _quantity(values: np.ndarray) -> Any:
    return f"{1e3 * float(values)} ms" if values.ndim == 0 else values
