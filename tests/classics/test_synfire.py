"""The synfire chain against a plain Brian2 script: the same spikes, with the same noise and delays."""

from __future__ import annotations

from functools import cached_property

import brian2
import numpy as np
import xarray
from brian2 import ms

from neurosim.recording.courses import over_time
from tests.classics.scripts import ENGINES, Classic, assert_same_spikes, joined, period

NOISE = np.random.default_rng(1).standard_normal((350, 1000))


class Given(Classic):
    """The chain with given noise."""

    @cached_property
    def recordings(self) -> tuple[xarray.Dataset, ...]:
        return tuple(self.file.simulate(engine=engine, inputs={"chain.xi": over_time(NOISE)}) for engine in ENGINES)


CHAIN = Given("synfire", ("simulation.duration=35 ms",))
VOLLEY = """
at : second
fired : 1
"""
EQUATIONS = """
dv/dt = (x - (v + 70*mV))/taum : volt (unless refractory)
dx/dt = (y - x)/taupsp : volt
dy/dt = -y/taupsp + 25.27*mV/ms + 39.24*mV/ms**0.5*noise(t, i)/dt**0.5 : volt
"""


def test_the_spikes_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 0.1 * ms
    space = {"taum": 10 * ms, "taupsp": 0.325 * ms, "noise": brian2.TimedArray(NOISE, dt=0.1 * ms)}
    source = brian2.NeuronGroup(85, VOLLEY, threshold="t >= at and fired < 1", reset="fired = 1")
    source.at = CHAIN.state["volley.at"] * brian2.second
    chain = brian2.NeuronGroup(
        1000,
        EQUATIONS,
        threshold="v > -55*mV",
        reset="v = -70*mV",
        refractory=period(1),
        method="euler",
        namespace=space,
    )
    chain.v = CHAIN.state["chain.v"] * brian2.volt
    first = joined(CHAIN, "first", source, chain, model="w : volt", on_pre="y += w")
    onward = joined(CHAIN, "next", chain, chain, model="w : volt", on_pre="y += w")
    onward.delay = CHAIN.delays("next")
    monitor = brian2.SpikeMonitor(chain)
    brian2.Network(source, chain, first, onward, monitor).run(35 * ms)
    assert len(np.unique(np.round(onward.delay / ms, 1))) > 5
    assert_same_spikes(CHAIN, chain=monitor)
