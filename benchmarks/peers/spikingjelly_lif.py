# /// script
# requires-python = ">=3.10"
# dependencies = ["spikingjelly==2.0.0", "torch==2.13.0", "numpy==2.3.5"]
#
# [tool.benchmarks]
# label = "SpikingJelly"
# works = ["spiking_forward"]
# ///
"""SpikingJelly: LIFNode step by step, which is faster on a CPU than many steps at once."""

# pyright: reportMissingImports=false
# It is imported in an environment of its own.

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based import functional, layer, neuron


def spiking_forward(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Linear layers and nodes, step by step."""
    torch.set_num_threads(os.cpu_count() or 1)
    keep = float(data["keep"])
    # Nodes take currents, of which a step lets in this share. Jumps of the potential by a weight are the larger.
    scales = (1.0, *(keep / (1 - keep) for _ in range(len(data["sizes"]) - 2)))
    parts: list[Any] = []
    for k, scale in enumerate(scales, start=1):
        weights = torch.from_numpy(scale * data[f"w{k}"]).float()
        linear = layer.Linear(weights.shape[1], weights.shape[0], bias=False)
        linear.weight = torch.nn.Parameter(weights, requires_grad=False)
        parts += [linear, neuron.LIFNode(tau=1 / (1 - keep), v_threshold=1.0, v_reset=0.0, step_mode="s")]
    network = torch.nn.Sequential(*parts).eval()
    course = torch.from_numpy(data["course"].astype(np.float32))

    @torch.inference_mode()
    def run() -> None:
        functional.reset_net(network)
        for x in course:
            network(x)

    @torch.inference_mode()
    def rates() -> list[float]:
        functional.reset_net(network)
        totals = [0.0] * (len(parts) // 2)
        for x in course:
            for k, part in enumerate(parts):
                x = part(x)
                totals[k // 2] += float(x.mean()) if k % 2 else 0.0
        return [total / len(course) for total in totals]

    return {
        "round": run,
        "trials": course.shape[1],
        "rated": range(course.shape[1]),
        "rates": rates(),
        "note": f"float32, {torch.get_num_threads()} threads",
    }
