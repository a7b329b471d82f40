# /// script
# requires-python = ">=3.10"
# dependencies = ["snntorch==1.0.0", "torch==2.13.0", "numpy==2.3.5"]
#
# [tool.benchmarks]
# label = "snnTorch"
# works = ["spiking_forward"]
# ///
"""snnTorch: Leaky, with a reset to zero."""

# pyright: reportMissingImports=false
# It is imported in an environment of its own.

from __future__ import annotations

import os
from typing import Any

import numpy as np
import snntorch
import torch


def spiking_forward(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Linear layers and neurons, step by step."""
    torch.set_num_threads(os.cpu_count() or 1)
    keep = float(data["keep"])
    # The potential takes inputs as they are: of a current the share of a step, of a jump what is left of it.
    scales = (1 - keep, *(keep for _ in range(len(data["sizes"]) - 2)))
    layers = []
    for k, scale in enumerate(scales, start=1):
        weights = torch.from_numpy(scale * data[f"w{k}"]).float()
        layer = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False)
        layer.weight = torch.nn.Parameter(weights, requires_grad=False)
        layers.append(layer)
    neurons = [snntorch.Leaky(beta=keep, reset_mechanism="zero") for _ in layers]
    course = torch.from_numpy(data["course"].astype(np.float32))

    @torch.inference_mode()
    def run(counts: list[Any] | None = None) -> None:
        potentials = [neuron.reset_mem() for neuron in neurons]
        for x in course:
            for k, (layer, neuron) in enumerate(zip(layers, neurons, strict=True)):
                x, potentials[k] = neuron(layer(x), potentials[k])
                if counts is not None:
                    counts[k] += x.mean()

    totals: list[Any] = [torch.zeros(()) for _ in neurons]
    run(totals)
    return {
        "round": run,
        "trials": course.shape[1],
        "rated": range(course.shape[1]),
        "rates": [float(total) / len(course) for total in totals],
        "note": f"float32, {torch.get_num_threads()} threads",
    }
