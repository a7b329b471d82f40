"""Simulate networks of neurons that learn what their activity does to the goal.

Rate and spiking neurons whose feedback pathways learn, described in Brian2's equation language, run by Brian2
or by a batched JAX engine, and measured against the true gradient.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from neurosim.installation import __version__ as __version__
from neurosim.suggestions import hint

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit as Circuit
    from neurosim.circuit.connectivity import Dense as Dense
    from neurosim.circuit.connectivity import Explicit as Explicit
    from neurosim.circuit.connectivity import InDegree as InDegree
    from neurosim.circuit.connectivity import OneToOne as OneToOne
    from neurosim.circuit.connectivity import OutDegree as OutDegree
    from neurosim.circuit.connectivity import Sparse as Sparse
    from neurosim.circuit.connectivity import Where as Where
    from neurosim.circuit.description import Initial as Initial
    from neurosim.circuit.description import Pathway as Pathway
    from neurosim.circuit.description import Phase as Phase
    from neurosim.circuit.description import Population as Population
    from neurosim.circuit.description import Tie as Tie
    from neurosim.circuit.description import hold as hold
    from neurosim.engines.batched.engine import BatchedEngine as BatchedEngine
    from neurosim.engines.brian.engine import BrianEngine as BrianEngine
    from neurosim.engines.setting import Setting as Setting
    from neurosim.engines.state import initial_state as initial_state
    from neurosim.engines.stimuli import Stimulus as Stimulus
    from neurosim.errors import NeurosimError as NeurosimError
    from neurosim.errors import NeurosimWarning as NeurosimWarning
    from neurosim.estimators.estimator import NeurosimClassifier as NeurosimClassifier
    from neurosim.estimators.estimator import NeurosimRegressor as NeurosimRegressor
    from neurosim.exploring.explorer import explore as explore
    from neurosim.gradients.alignment import alignment as alignment
    from neurosim.gradients.alignment_in_time import alignment_in_time as alignment_in_time
    from neurosim.gradients.credit_in_time import credit_in_time as credit_in_time
    from neurosim.gradients.lyapunov import lyapunov_exponent as lyapunov_exponent
    from neurosim.gradients.true_gradient import true_gradients as true_gradients
    from neurosim.model_files.circuits.circuit_file import load_circuit as load_circuit
    from neurosim.model_files.model_file import load as load
    from neurosim.neurons._model import NeuronModel as NeuronModel
    from neurosim.readouts._readout import Readout as Readout
    from neurosim.recording.courses import over_neurons as over_neurons
    from neurosim.recording.courses import over_time as over_time
    from neurosim.recording.events import spike_events as spike_events
    from neurosim.recording.nwb import to_nwb as to_nwb
    from neurosim.recording.simulate import simulate as simulate
    from neurosim.recording.store import open_recording as open_recording
    from neurosim.recording.to_csv import to_csv as to_csv
    from neurosim.recording.to_neo import to_neo as to_neo
    from neurosim.recording.weights import load_weights as load_weights
    from neurosim.recording.weights import save_weights as save_weights
    from neurosim.registry import names as names
    from neurosim.registry import register as register
    from neurosim.rules._rule import Rule as Rule
    from neurosim.runs.run import train as train
    from neurosim.studies.compare import compare as compare
    from neurosim.studies.sweeps.driver import sweep as sweep

#: Public name -> the module that defines it. Imported when first used: Brian2 and JAX take seconds to load.
_HOME = {
    "Circuit": "circuit.circuit",
    **dict.fromkeys(("Initial", "Pathway", "Phase", "Population", "Tie", "hold"), "circuit.description"),
    **dict.fromkeys(
        ("Dense", "Explicit", "InDegree", "OneToOne", "OutDegree", "Sparse", "Where"), "circuit.connectivity"
    ),
    "BatchedEngine": "engines.batched.engine",
    "BrianEngine": "engines.brian.engine",
    "Setting": "engines.setting",
    "initial_state": "engines.state",
    "Stimulus": "engines.stimuli",
    **dict.fromkeys(("NeurosimError", "NeurosimWarning"), "errors"),
    **dict.fromkeys(("NeurosimClassifier", "NeurosimRegressor"), "estimators.estimator"),
    "explore": "exploring.explorer",
    "load": "model_files.model_file",
    "load_circuit": "model_files.circuits.circuit_file",
    "train": "runs.run",
    "compare": "studies.compare",
    "sweep": "studies.sweeps.driver",
    "alignment": "gradients.alignment",
    "alignment_in_time": "gradients.alignment_in_time",
    "credit_in_time": "gradients.credit_in_time",
    "lyapunov_exponent": "gradients.lyapunov",
    "true_gradients": "gradients.true_gradient",
    "NeuronModel": "neurons._model",
    "Readout": "readouts._readout",
    **dict.fromkeys(("load_weights", "save_weights"), "recording.weights"),
    "open_recording": "recording.store",
    "over_neurons": "recording.courses",
    "over_time": "recording.courses",
    "simulate": "recording.simulate",
    "spike_events": "recording.events",
    "to_csv": "recording.to_csv",
    "to_neo": "recording.to_neo",
    "to_nwb": "recording.nwb",
    "names": "registry",
    "register": "registry",
    "Rule": "rules._rule",
}
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


#: Packages and modules with functions of their own for users, imported when first used.
_SUBMODULES = (
    "circuit",
    "engines",
    "errors",
    "estimators",
    "gradients",
    "metrics",
    "model_files",
    "networks",
    "neurons",
    "plots",
    "probes",
    "random",
    "readouts",
    "recording",
    "registry",
    "rules",
    "runs",
    "schemes",
    "stability",
    "studies",
    "tasks",
    "training",
    "units",
)
#: Name in Brian2 -> its counterpart here.
_IN_BRIAN = {
    "NeuronGroup": "NeuronModel, and Population within a Circuit",
    "Synapses": "Pathway, with a Rule",
    "Network": "Circuit",
    "Equations": "NeuronModel",
    "run": "simulate",
    **dict.fromkeys(("StateMonitor", "SpikeMonitor", "PopulationRateMonitor"), "record= of simulate"),
    "TimedArray": "over_time, in inputs= of simulate",
    "PoissonGroup": "a Population of the neuron 'poisson'",
    "PoissonInput": "a line such as 'k = binomial(N, rate*dt) : 1 (constant over dt)' of a NeuronModel",
    "SpikeGeneratorGroup": "a Population of the neuron 'spike_source', and inputs= of simulate",
    "defaultclock": "dt= of simulate",
    **dict.fromkeys(("set_device", "prefs"), "engine= and target= of simulate"),
    "seed": "seed= of simulate",
    **dict.fromkeys(("ms", "second", "mV", "volt", "nA", "pA", "amp", "nS", "siemens", "Hz"), "text such as '10 ms'"),
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"neurosim.{_HOME[name]}"), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"neurosim.{name}")
    raise AttributeError(f"module 'neurosim' has no attribute '{name}'{_hint(name)}", name=name)


def _hint(name: str) -> str:
    if name in _IN_BRIAN:
        return f": what Brian2 calls so is here {_IN_BRIAN[name]}; see docs/coming-from.md"
    return hint(name, (*_HOME, *_SUBMODULES))


def __dir__() -> list[str]:
    return sorted({*_HOME, *_SUBMODULES, "__version__", "__doc__", "__all__", "__file__", "__name__", "__path__"})
