"""The figure of a recording: what it shows of spikes as events, of what is recorded at intervals, of long titles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pytest
import xarray

from neurosim.plots import overview


def recording(steps: int = 30_000, synapses: int = 3) -> xarray.Dataset:
    """Spikes as events, weights at intervals, and a part of what is there as a whole."""
    weights = np.linspace(0, 1, 4 * synapses).reshape(4, 1, synapses)
    found = {
        "E.spike_time": ("spike_E", [0.1, 0.2]),
        "E.spike_trial": ("spike_E", [0, 0]),
        "E.spike_neuron": ("spike_E", [0, 1]),
        "S.w": (("time_S.w", "trial", "synapse"), weights),
        "S.w[:1]": (("time_S.w", "trial", "synapse[:1]"), weights[..., :1]),
    }
    coords = {"time": 1e-4 * np.arange(steps), "trial": [0], "neuron_E": [0, 1], "time_S.w": np.arange(4.0)}
    dataset = xarray.Dataset(found, coords, {"dt": 1e-4, "model": "pair"})
    dataset["E.spike_time"].attrs |= {"units": "second", "neurons": "neuron_E"}
    return dataset


@pytest.fixture
def figures(monkeypatch) -> list[Any]:
    """The figures that are saved."""
    kept: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(overview, "save_figure", lambda figure, path: kept.append(figure) or path)
    return kept


@pytest.mark.parametrize(
    ("steps", "synapses", "labels"),
    [
        (30_000, 3, ["neuron (number)", "firing rate (Hz)", "S.w"]),
        (10_000, 3, ["neuron (number)", "S.w"]),
        (10_000, 300, ["neuron (number)", "S.w", "share of the synapses (1)"]),
    ],
)
def test_panels(figures, steps, synapses, labels):
    overview.save_overview(recording(steps, synapses), Path("a.png"))
    assert [ax.get_ylabel() for ax in figures[0].axes] == labels


def test_a_long_title_is_wrapped(figures):
    overview.save_overview(recording(), Path("a.png"), title="A title of many words " * 8)
    overview.save_overview(recording(), Path("a.png"), title="A short one")
    tall, flat = figures
    assert max(map(len, tall.get_suptitle().splitlines())) <= 72
    assert flat.get_suptitle() == "A short one"
    assert tall.get_figheight() > flat.get_figheight()
