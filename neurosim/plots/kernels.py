"""Images as tiles: kernels of a pathway, feature maps of a layer, and input images."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from neurosim.errors import DataError
from neurosim.plots._arguments import drawing

# Most tiles; more would be too small to see.
_MOST_ROWS, _MOST_COLUMNS, _MOST_MAPS = 8, 8, 16


@drawing()
def kernel_tiles(kernels: np.ndarray, ax: Axes, *, name: str = "", coloured: bool = False) -> Axes:
    """Draw kernels beside each other, red for positive and blue for negative weights.

    Each row has those of one map that they make, each column those of one that they read; of many maps the first.
    Where they read a single map, they fill a square instead.

    Parameters
    ----------
    kernels
        ``(post channels, pre channels, height, width)``, as in a circuit's state.
    ax
        Where to draw.
    name
        Name of the pathway, before the number of maps.
    coloured
        Whether the maps that they read are red, green and blue: then one tile in colour for each map that they make,
        grey for zero.

    Raises
    ------
    DataError
        An array of another number of axes, or without any weights; colours that are not three.
    """
    kernels = np.asarray(kernels, dtype=float)
    if kernels.ndim != 4 or not kernels.size or (coloured and kernels.shape[1] != 3):
        raise DataError(
            f"kernels{f' of {name}' if name else ''}: got the shape {kernels.shape}, expected (post channels, "
            f"{3 if coloured else 'pre channels'}, height, width)"
        )
    post, pre = kernels.shape[:2]
    most = float(np.max(np.abs(kernels))) or 1.0
    first = kernels[: _MOST_ROWS * _MOST_COLUMNS]
    if coloured:
        ax.imshow(_in_rows(0.5 + 0.5 * first.transpose(0, 2, 3, 1) / most, 1.0))
    else:
        grid = _in_rows(first[:, 0], math.nan) if pre == 1 else _tiled(kernels[:_MOST_ROWS, :_MOST_COLUMNS], math.nan)
        picture = ax.imshow(grid, cmap="RdBu_r", vmin=-most, vmax=most)
        ax.figure.colorbar(picture, ax=ax, label="weight (1)", shrink=0.8)
    ax.set_title(f"{name + ': ' if name else ''}{pre} to {post} maps", fontsize="medium")
    return _bare(ax)


@drawing()
def map_tiles(activity: np.ndarray, image: tuple[int, int, int], ax: Axes, *, name: str = "") -> Axes:
    """Draw the maps of a layer beside each other, or of three maps one coloured image, each in its own range.

    Parameters
    ----------
    activity
        Activity of one trial, shape (n,), in the order height, width, channel.
    image
        Height, width and channels of the population.
    ax
        Where to draw.
    name
        Name of the layer.

    Raises
    ------
    DataError
        A number of neurons that is not that of the image.
    """
    activity = np.asarray(activity, dtype=float)
    if activity.shape != (math.prod(image),):
        raise DataError(
            f"maps{f' of {name}' if name else ''}: got activity of shape {activity.shape}, expected "
            f"{' x '.join(map(str, image))} = {math.prod(image)} neurons"
        )
    maps = activity.reshape(image)
    if image[2] == 3:
        ax.imshow((maps - maps.min()) / ((maps.max() - maps.min()) or 1.0))
    else:
        ax.imshow(_in_rows(maps.transpose(2, 0, 1)[:_MOST_MAPS], math.nan), cmap="viridis")
    if name:
        ax.set_title(name, fontsize="medium")
    return _bare(ax)


def _in_rows(tiles: np.ndarray, between: float) -> np.ndarray:
    """Tiles ``(n, height, width, ...)`` in about as many rows as columns, one pixel apart."""
    columns = math.ceil(math.sqrt(len(tiles)))
    missing = -len(tiles) % columns
    padded = np.concatenate([tiles, np.full((missing, *tiles.shape[1:]), between)])
    return _tiled(padded.reshape(-1, columns, *tiles.shape[1:]), between)


def _tiled(tiles: np.ndarray, between: float) -> np.ndarray:
    """Tiles ``(rows, columns, height, width, ...)`` as one picture."""
    rows, columns, height, width, *rest = tiles.shape
    edges = [(0, 0), (0, 0), (0, 1), (0, 1), *((0, 0) for _ in rest)]
    spaced = np.pad(tiles, edges, constant_values=between).swapaxes(1, 2)
    return spaced.reshape(rows * (height + 1), columns * (width + 1), *rest)[:-1, :-1]


def _bare(ax: Axes) -> Axes:
    ax.set_axis_off()
    return ax
