"""Laws of initial weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, norm, truncnorm, uniform

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Population
from neurosim.engines.state import initial_weights
from neurosim.neurons import stimulus
from neurosim.neurons._model import NeuronModel

LAWS = {
    "normal": norm(scale=0.3),
    "truncated_normal": truncnorm(-2, 2, scale=0.3),
    "uniform": uniform(loc=-0.3, scale=0.6),
}


def circuit(initial: Initial) -> Circuit:
    target = Population("target", 40, NeuronModel("drive : 1"))
    source = Population("source", 100, stimulus.build(stimulus.Config()))
    return Circuit("two", (source, target), (Pathway("W", "source.r", "target.drive", initial=initial),))


@pytest.mark.parametrize("law", LAWS)
def test_weights_follow_their_law(law) -> None:
    weights = initial_weights(circuit(Initial(law, 3.0, "in")), "W", 0)
    assert weights.shape == (40, 100)
    assert kstest(weights.ravel(), LAWS[law].cdf).pvalue > 0.001
    np.testing.assert_array_equal(weights, initial_weights(circuit(Initial(law, 3.0, "in")), "W", 0))
    assert not np.array_equal(weights, initial_weights(circuit(Initial(law, 3.0, "in")), "W", 1))


def test_constant_weights() -> None:
    assert (initial_weights(circuit(Initial("constant", 0.1, None)), "W", 0) == 0.1).all()
