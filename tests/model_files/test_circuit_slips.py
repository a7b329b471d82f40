"""Every slip in a circuit file is told with its key: what needs no equations at once, the rest with its place."""

from __future__ import annotations

import pytest

from neurosim.errors import ConfigError
from neurosim.model_files.circuits.circuit_file import load_circuit, settled

LIGHT = {
    "populations.E.siz=3": "populations.E.siz: unknown key, got 3; did you mean 'size'?",
    "populations.E.neuron=cel": "populations.E.neuron: got 'cel', expected .*did you mean 'cell'",
    "populations.E.reference=mine": "populations.E.reference: got it beside a neuron",
    "populations.E.size=1000000000": "populations.E.size: got 1000000000, expected at most",
    "populations.E.size=3.5": "populations.E.size: got 3.5, expected a valid integer",
    "populations.E.neuron={kind='lif',tau_m='3 mV'}": "populations.E.neuron.tau_m: '3 mV' has the wrong unit",
    "neurons.cell.parameters.vt={}": "neurons.cell.parameters.vt: got neither a file nor values",
    "pathways.EE.connectivity.kind=spars": "pathways.EE.connectivity.kind: got 'spars', .*did you mean 'sparse'",
    "pathways.EE.connectivity=sparse": "pathways.EE.connectivity: got 'sparse', .*'sparse' has settings",
    "pathways.EE.connectivity.probabilty=1": "pathways.EE.connectivity.probabilty: unknown key, .*mean 'probability'",
    "pathways.EE.initial={law='norml'}": "pathways.EE.initial.law: got 'norml', expected 'normal'",
    "pathways.EE.initial={file='weights.txt'}": r"pathways.EE.initial.file: got .*expected a file .npy or .npz",
    "pathways.EE.rule=stdp": r"pathways.EE.rule: got 'stdp', expected a table \[rules.stdp\]",
    "pathways.EE.rule=[]": "pathways.EE.rule: got no rule",
    "pathways.EE.rule={kind='delta',learning_rat=1}": "pathways.EE.rule.learning_rat: unknown key, got 1; did you mean",
    "pathways.EX.source=E.spikes": "pathways.EX.target: missing",
    "pathways=3": "expected section.key=value",
    "pathway.EE.delay=1 ms": "pathway: unknown section; did you mean 'pathways'",
    "circuit.readout=x": "circuit.readout: got 'x', expected a name",
    "simulation.engine=brain": "simulation.engine: got 'brain', .*did you mean 'brian'",
    "simulation.trials=0": "simulation.trials: got 0, expected",
    "simulation.dt=1 mV": "simulation.dt: '1 mV' has the wrong unit",
    "simulation.duration=1e9 second": r"simulation.duration: got 1e\+13 time steps",
    "simulation.every.EE.w=3 mV": "simulation.every.EE.w: '3 mV' has the wrong unit",
    "inputs.E.el=[1,'a']": "inputs.E.el: got .*expected an array of finite numbers",
    "state.E.v={values=[1],unit='foo'}": "state.E.v.unit: got 'foo', expected a unit",
    "variants.small.population=3": "variants are applied before overrides",
}
HEAVY = {
    "neurons.cell.equations=dv/dt = -v/tauu : 1": "neurons.cell.equations: line 1, column 12: unknown name 'tauu'",
    "neurons.cell.reset=v = vx": "neurons.cell.reset: line 1, column 5: unknown name 'vx'",
    "neurons.cell.initial.v=20 ms": "neurons.cell.initial.v: .*wrong unit",
    "neurons.cell.method=exac": "neurons.cell.method: unknown integration method",
    "neurons.other={equations='v'}": "neurons.other.equations: line 1, column 1: expected",
    "populations.E.equations=dx/dt = -x/foo : 1": "populations.E.equations: line 1, column 12: unknown name 'foo'",
    "populations.E.bind={el='foo'}": "populations.E.bind.el: .*unknown name 'foo'",
    "populations.E.shape=[2,2,2]": "populations.E.shape: .*has the shape",
    "populations.E.size=90000000": "pathways.EE.connectivity: .*expected at most",
    "rules.stdp={update='w = 3'}": r"rules.stdp.update: line 1, column 5: expected \+= or -=",
    "pathways.EE.connectivity.probability=2": "pathways.EE.connectivity: .*a synapse with probability 2",
    "pathways.EE.connectivity={kind='where',condition='i !='}": "pathways.EE.connectivity.condition: .*cannot be read",
    "pathways.EE.initial=1.6 nS": "pathways.EE.initial: .*expected V",
    "pathways.EE.initial={values=[1,2]}": r"pathways.EE.initial: .*shape \(2,\)",
    "pathways.EE.initial={file='nope.npz'}": "pathways.EE.initial.file: .*cannot be read",
    "pathways.EE.delay=1 mV": "pathways.EE.delay: got 1 mV, which is in V, expected s",
    "pathways.EE.target=E.gee": "pathways.EE.target: .*did you mean 'ge'",
    "pathways.EE.parameters={a=3}": "pathways.EE.parameters: 'a', which is no parameter of the rule",
    "pathways.EE.bounds=[0,'w_max']": "pathways.EE.bounds: .*'w_max'",
    "pathways.EE.rule=delta": "pathways.EE.rule: .*needs a value for 'learning_rate'",
    "pathways.EE.tie=foo": "pathways.EE.tie: tied to 'foo', which is no pathway here",
    "phases.a={duration='0 ms'}": "phases.a.duration: .*expected a time above zero",
    "phases.a={duration='1 ms',hold=['x']}": "phases.a.hold.0: line 1, column 1: expected 'name = expression'",
    "phases.a={duration='1 ms',learn=['EE']}": "phases.a.learn: .*cannot learn by its rule",
    "phases.a={duration='1 ms',switches={foo=1}}": "phases.a.switches: .*'foo'",
    "circuit.output=E.v": "circuit.output: a readout needs an output variable",
    "simulation.dt=0.3 ms": "simulation.dt: .*not a whole number of time steps",
    "simulation.record=['E.x']": "simulation.record.0: .*did you mean 'E.v'",
    "inputs.E.foo=3": "inputs.E.foo: 'foo' is no parameter",
    "inputs.E.el=3 ms": "inputs.E.el: .*wrong unit",
    "state.E.v={file='x.npz'}": "state.E.v: .*cannot be read",
}


@pytest.mark.parametrize("override", LIGHT)
def test_slips_are_told_without_equations(override):
    with pytest.raises(ConfigError, match=LIGHT[override]):
        settled("classics/cuba+small", [override])


@pytest.mark.parametrize("override", HEAVY)
def test_slips_in_texts_are_told_with_their_key(override):
    with pytest.raises(ConfigError, match=f"(?s){HEAVY[override]}") as refused:
        load_circuit("classics/cuba+small", [override])
    assert all(key for key, _ in refused.value.faults)
