"""Short-term plasticity against a plain Brian2 script and against the recursion of what is released."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import Hz, Mohm, ms, pA

from tests.classics.scripts import Classic, joined

RELEASE = Classic("tsodyks_markram")
SYNAPSES = {"facilitated": ("F", 0.1, 100, 1), "depressed": ("D", 0.6, 10, 100)}


def test_voltages_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 0.1 * ms
    clock = brian2.NeuronGroup(
        1, "dphase/dt = rate : 1", threshold="phase > 1", reset="phase = 0", method="euler", namespace={"rate": 30 * Hz}
    )
    equations = """
    dv/dt = (rm*i_syn - v)/taum : volt
    di_syn/dt = -i_syn/tau_e : amp
    """
    objects, monitors = [clock], {}
    for name, (pathway, u_0, tau_f, tau_d) in SYNAPSES.items():
        space = {"rm": 100 * Mohm, "taum": 10 * ms, "tau_e": 3 * ms}
        cell = brian2.NeuronGroup(1, equations, method="exact", namespace=space)
        synapses = joined(
            RELEASE,
            pathway,
            clock,
            cell,
            model="""
            w : amp
            du/dt = (u_0 - u)/tau_f : 1 (event-driven)
            dx/dt = (1 - x)/tau_d : 1 (event-driven)
            """,
            on_pre="""
            i_syn_post += w*u*x
            x -= u*x
            u += u_0*(1 - u)
            """,
            namespace={"u_0": u_0, "tau_f": tau_f * ms, "tau_d": tau_d * ms},
        )
        synapses.u, synapses.x = u_0, 1
        monitors[name] = brian2.StateMonitor(cell, ["v", "i_syn"], record=0)
        objects += [cell, synapses, monitors[name]]
    brian2.Network(*objects).run(400 * ms)
    for name, monitor in monitors.items():
        for variable in ("v", "i_syn"):
            wanted = np.asarray(getattr(monitor, variable))[0]
            for recording in RELEASE.recordings:
                found = recording[f"{name}.{variable}"].values[:, 0, 0]
                np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize(("number", "name"), [("facilitation", "facilitated"), ("depression", "depressed")])
def test_the_fifth_current_is_that_of_the_recursion(number, name):
    """Tsodyks and Markram's recursion between spikes 33.4 ms apart."""
    _, u_0, tau_f, tau_d = SYNAPSES[name]
    u, x, released = u_0, 1.0, []
    for _ in range(5):
        released.append(u * x)
        x, u = x - u * x, u + u_0 * (1 - u)
        x, u = 1 + (x - 1) * np.exp(-33.4 / tau_d), u_0 + (u - u_0) * np.exp(-33.4 / tau_f)
    found = RELEASE.file.measure(RELEASE.recordings[0])[number]
    # What is left of the fourth current has decayed by exp(-33.4/3).
    assert found == pytest.approx(released[4] / released[0], rel=1e-4)
    assert brian2.asarray(RELEASE.state["F.w"] * brian2.amp / pA) == pytest.approx(250)
