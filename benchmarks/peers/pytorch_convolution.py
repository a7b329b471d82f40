# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.13.0", "numpy==2.3.5"]
#
# [tool.benchmarks]
# label = "PyTorch"
# works = ["convolution"]
# ///
"""PyTorch: plain gradient descent, channels last, which is its faster layout here."""

# pyright: reportMissingImports=false
# It is imported in an environment of its own.

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import nn


class Maxima(nn.Module):
    """Maxima of 3 x 3 at every second place; what cannot be halved is added at the end, as TensorFlow does."""

    def forward(self, images: Any) -> Any:
        """Pool."""
        padded = nn.functional.pad(images, (0, 1, 0, 1), value=-torch.inf)
        return nn.functional.max_pool2d(padded, 3, 2)


def convolution(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """The same weights; what is flattened has its channels in front here."""
    torch.set_num_threads(os.cpu_count() or 1)
    layers: list[Any] = []
    for number in (1, 3, 5):
        kernels = torch.from_numpy(data[f"W{number}"])
        layer = nn.Conv2d(kernels.shape[1], kernels.shape[0], 5, padding=2)
        layers += [_with(layer, kernels, data[f"b{number}"]), nn.Tanh(), Maxima()]
    layers.append(nn.Flatten())
    for number in (7, 8, 9):
        weights = torch.from_numpy(data[f"W{number}"])
        if number == 7:
            weights = weights.reshape(len(weights), 4, 4, -1).permute(0, 3, 1, 2).reshape(len(weights), -1)
        layer = nn.Linear(weights.shape[1], weights.shape[0])
        layers += [_with(layer, weights, data[f"b{number}"]), nn.Tanh()]
    network = nn.Sequential(*layers[:-1]).to(memory_format=torch.channels_last)
    images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    classes = torch.from_numpy(data["targets"]).argmax(dim=1)
    with torch.inference_mode():
        answers = network(images).abs().mean()
    optimiser = torch.optim.SGD(network.parameters(), 1e-3)

    def train() -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(images), classes).backward()
        optimiser.step()

    train()
    return {
        "round": train,
        "trials": len(images),
        "rated": range(len(images)),
        "rates": [float(answers)],
        "note": f"float32, {torch.get_num_threads()} threads, channels last",
    }


def _with(layer: Any, weights: Any, bias: np.ndarray) -> Any:
    layer.weight = nn.Parameter(weights.contiguous())
    layer.bias = nn.Parameter(torch.from_numpy(bias.ravel().copy()))
    return layer
