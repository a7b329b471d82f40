# /// script
# requires-python = ">=3.10"
# dependencies = ["norse==1.1.0", "torch==2.13.0", "numpy==2.3.5"]
#
# [tool.benchmarks]
# label = "Norse"
# works = ["spiking_forward"]
# ///
"""Norse: LIFBoxCell, a leaky integrate-and-fire neuron without synaptic current."""

# pyright: reportMissingImports=false
# It is imported in an environment of its own.

from __future__ import annotations

import os
from typing import Any

import norse.torch
import numpy as np
import torch


def spiking_forward(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Linear layers and cells, step by step."""
    torch.set_num_threads(os.cpu_count() or 1)
    share = 1 - float(data["keep"])
    # Cells take currents, of which a step lets in this share. Jumps of the potential by a weight are the larger.
    scales = (1.0, *(float(data["keep"]) / share for _ in range(len(data["sizes"]) - 2)))
    parameters = norse.torch.LIFBoxParameters(
        tau_mem_inv=torch.as_tensor(share / 1e-3), v_th=torch.as_tensor(1.0), v_reset=torch.as_tensor(0.0)
    )
    weights = [torch.from_numpy(scale * data[f"w{k}"]).float() for k, scale in enumerate(scales, start=1)]
    layers = [torch.nn.Linear(w.shape[1], w.shape[0], bias=False) for w in weights]
    for layer, w in zip(layers, weights, strict=True):
        layer.weight = torch.nn.Parameter(w, requires_grad=False)
    cells = [norse.torch.LIFBoxCell(parameters, dt=1e-3) for _ in layers]
    course = torch.from_numpy(data["course"].astype(np.float32))

    @torch.inference_mode()
    def run(counts: list[Any] | None = None) -> None:
        states: list[Any] = [None] * len(cells)
        for x in course:
            for k, (layer, cell) in enumerate(zip(layers, cells, strict=True)):
                x, states[k] = cell(layer(x), states[k])
                if counts is not None:
                    counts[k] += x.mean()

    totals: list[Any] = [torch.zeros(()) for _ in cells]
    run(totals)
    return {
        "round": run,
        "trials": course.shape[1],
        "rated": range(course.shape[1]),
        "rates": [float(total) / len(course) for total in totals],
        "note": f"float32, {torch.get_num_threads()} threads",
    }
