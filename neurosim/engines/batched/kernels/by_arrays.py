"""Delivery and its transpose from arrays to arrays, in double precision and outside any program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Connectivity, Dense
from neurosim.circuit.synapses import Ends
from neurosim.engines.batched.kernels.linear_maps import apply
from neurosim.engines.state import weights_of


def delivered(connectivity: Connectivity, ends: Ends, weights: np.ndarray, activity: np.ndarray) -> np.ndarray:
    """As `apply`, of weights as `weights_of` gives them: from arrays to arrays, in double precision, no engine."""
    if connectivity.weighted and not connectivity.shared:
        connectivity = Dense()  # those of single synapses come as a matrix
    with jax.enable_x64(True):
        return np.asarray(apply(connectivity, ends, np.asarray(weights, np.float64), np.asarray(activity, np.float64)))


def returned(circuit: Circuit, state: Mapping[str, Any], pathway: str, activity: np.ndarray) -> np.ndarray:
    """The transposed product, from a pathway's target to its source, shape (trial, n_pre).

    Parameters
    ----------
    activity
        Of the target, shape (trial, n_post).
    """
    back = circuit.connectivity(pathway).reversed
    assert back is not None, "forward pathways between layers have a way back"
    weights = weights_of(circuit, state, pathway) if back.weighted else np.zeros(0)
    if weights.ndim > 1:
        weights = np.swapaxes(weights, 0, 1)
    return delivered(back, circuit.ends(pathway).reversed, weights, activity)
