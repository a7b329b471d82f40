"""Kernels and maps as tiles: the figure shows the weights and activities."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from neurosim.engines.state import initial_state
from neurosim.errors import DataError
from neurosim.model_files.model_file import load
from neurosim.plots.figures import save_circuit_figures, save_map_figure
from neurosim.plots.kernels import kernel_tiles, map_tiles


@pytest.fixture
def ax():
    return Figure().subplots()


def drawn(ax) -> np.ndarray:
    return np.ma.filled(ax.images[0].get_array().astype(float), np.nan)


def test_each_kernel_has_a_tile_in_its_row_and_column(ax) -> None:
    kernels = np.random.default_rng(0).standard_normal((4, 2, 3, 5))
    kernel_tiles(kernels, ax, name="W3")
    picture = drawn(ax)
    assert picture.shape == (4 * 4 - 1, 2 * 6 - 1) and ax.get_title() == "W3: 2 to 4 maps"
    for post, pre in np.ndindex(4, 2):
        np.testing.assert_array_equal(picture[post * 4 : post * 4 + 3, pre * 6 : pre * 6 + 5], kernels[post, pre])
    # Zero is the middle of the colours.
    low, high = ax.images[0].get_clim()
    assert low == -high == -np.abs(kernels).max()


def test_kernels_of_grey_images_fill_a_square(ax) -> None:
    kernels = np.random.default_rng(0).standard_normal((5, 1, 2, 2))
    kernel_tiles(kernels, ax)
    picture = drawn(ax)
    assert picture.shape == (2 * 3 - 1, 3 * 3 - 1)
    for number in range(5):
        row, column = divmod(number, 3)
        found = picture[row * 3 : row * 3 + 2, column * 3 : column * 3 + 2]
        np.testing.assert_array_equal(found, kernels[number, 0])


def test_kernels_of_coloured_images_are_coloured(ax) -> None:
    kernels = np.random.default_rng(0).standard_normal((5, 3, 2, 2))
    kernel_tiles(kernels, ax, coloured=True)
    picture = drawn(ax)
    assert picture.shape == (2 * 3 - 1, 3 * 3 - 1, 3) and picture.min() >= 0 and picture.max() <= 1
    largest = np.abs(kernels).max()
    for number in range(5):
        row, column = divmod(number, 3)
        found = picture[row * 3 : row * 3 + 2, column * 3 : column * 3 + 2]
        np.testing.assert_allclose(found, 0.5 + kernels[number].transpose(1, 2, 0) / (2 * largest), rtol=1e-12)


def test_maps_are_those_of_the_channels(ax) -> None:
    activity = np.random.default_rng(0).standard_normal(4 * 3 * 2)
    map_tiles(activity, (4, 3, 2), ax, name="hidden1")
    picture = drawn(ax)
    np.testing.assert_array_equal(picture[:, :3], activity.reshape(4, 3, 2)[:, :, 0])
    np.testing.assert_array_equal(picture[:, 4:], activity.reshape(4, 3, 2)[:, :, 1])
    assert np.isnan(picture[:, 3]).all()


def test_shapes_that_do_not_fit(ax) -> None:
    with pytest.raises(DataError, match=r"kernels of W1: got the shape \(3, 4\), expected \(post channels, pre"):
        kernel_tiles(np.ones((3, 4)), ax, name="W1")
    with pytest.raises(DataError, match=r"got the shape \(2, 4, 1, 1\), expected \(post channels, 3, height"):
        kernel_tiles(np.ones((2, 4, 1, 1)), ax, coloured=True)
    with pytest.raises(DataError, match=r"maps of hidden1: got activity of shape .*expected 2 x 2 x 1 = 4 neurons"):
        map_tiles(np.ones(5), (2, 2, 1), ax, name="hidden1")


@pytest.mark.parametrize("topology", ["layerwise", "direct"])
def test_figures_of_a_convolutional_circuit(tmp_path, topology: str) -> None:
    model = load(
        {
            "task": {"kind": "cifar10", "verify": False},
            "network": {"hidden": [{"channels": 2, "kernel": 3, "stride": 4}, {"channels": 2, "kernel": 3}, 4]},
            "scheme": {"kind": "feedback_alignment", "topology": topology},
            "engine": {"level": "steady"},
        }
    )
    circuit, state = model.circuit, initial_state(model.circuit, 0)
    assert tmp_path / "kernels.png" in save_circuit_figures(circuit, state, tmp_path)
    activity = {name: np.ones((2, circuit.population[name].size)) for name in ("input", "hidden1", "hidden2")}
    assert save_map_figure(circuit, activity, tmp_path) == [tmp_path / "feature_maps.png"]
