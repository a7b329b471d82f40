"""Checks of the arguments of figures; a name means the same in all of them."""

from __future__ import annotations

from neurosim.border import COUNT, FLAG, NAMES, PATH, TIME, instance, one_of, optional, whole
from neurosim.border.arguments import (
    ARRAY,
    AXES,
    MAPPING,
    NAME,
    POSITIVE,
    REAL,
    RECORDING,
    TEXT,
    by_table,
    having,
    several,
)
from neurosim.circuit.circuit import Circuit
from neurosim.neurons._model import NeuronModel
from neurosim.stability.mirror import ScalarFlow

_DATASET = having("what a run measured: a Dataset of xarray, such as open_run(folder).history", "data_vars")
_VARIABLE = having("a variable of a Dataset of xarray", "dims", "coords")

drawing = by_table(
    {
        "ax": AXES,
        "recording": RECORDING,
        **dict.fromkeys(("history", "curves", "results"), _DATASET),
        **dict.fromkeys(("angles", "differences"), optional(_DATASET)),
        "chance": optional(REAL),
        "models": optional(NAMES),
        "histories": several(_DATASET),
        **dict.fromkeys(("metric", "mean"), _VARIABLE),
        "circuit": instance(Circuit, expected="a Circuit"),
        "neuron": instance(NeuronModel, expected="a NeuronModel"),
        "flow": instance(ScalarFlow, expected="a ScalarFlow of neurosim.stability.mirror"),
        "state": MAPPING,
        "spans": MAPPING,
        "inputs": optional(MAPPING),
        "names": optional(MAPPING),
        **dict.fromkeys(("eigenvalues", "forward", "feedback", "kernels", "activity"), ARRAY),
        **dict.fromkeys(("measure", "quantity", "variable", "key", "over", "angle"), NAME),
        **dict.fromkeys(("name", "title", "style"), TEXT),
        **dict.fromkeys(("coloured", "spikes", "legend"), FLAG),
        **dict.fromkeys(("folder", "path"), PATH),
        "measures": NAMES,
        "populations": optional(NAMES),
        "neurons": optional(several(whole(0))),
        "trial": whole(0),
        "stages": COUNT,
        "leak": REAL,
        **dict.fromkeys(("tau_u", "tau_x"), POSITIVE),
        "dt": optional(TIME),
        "reach": optional(REAL),
        "order": one_of("controller_first", "together"),
    }
)
