"""Weights and parameters in files that other tools read: safetensors, and NumPy's .npz."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.atomic import write_file
from neurosim.engines.state import State
from neurosim.errors import DataError

#: What the metadata of a weights file say.
FORMAT = "neurosim state 1"
#: The weights in a run folder.
IN_RUN = "weights.safetensors"


def load_weights(path: str | Path) -> State:
    """Read weights and parameters, as `neurosim.engines.state` describes them.

    Parameters
    ----------
    path
        A run folder, a ``.safetensors`` file (of any origin), or an ``.npz`` file.

    Returns
    -------
    dict
        ``W1.w`` and other names -> arrays, to be given to `neurosim.simulate` as `state`, or to an engine.

    Raises
    ------
    DataError
        A file that is missing, damaged, of another kind, or that holds something else than numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from neurosim import save_weights
    >>> load_weights(save_weights({"W1.w": np.ones((2, 3))}, "weights.npz"))["W1.w"].shape
    (2, 3)
    """
    file = Path(path)
    if file.is_dir():
        file = file / IN_RUN
    if not file.is_file():
        raise DataError(f"{file}: there is no such file")
    try:
        if file.suffix == ".npz":
            found = _read_npz(file)
        elif file.suffix == ".safetensors":
            from safetensors.numpy import load_file

            found = load_file(file)
        else:
            raise DataError(f"{file}: got a file '{file.suffix}', expected .safetensors or .npz")
    except DataError:
        raise
    except Exception as error:  # whatever the readers make of a damaged file
        raise DataError(f"{file}: no weights, or damaged ones ({error})") from error
    for name, array in found.items():
        if array.dtype.kind not in "fiub":
            raise DataError(f"{file}: '{name}' holds {array.dtype}, expected numbers")
    return dict(found)


def save_weights(state: Mapping[str, Any], path: str | Path) -> Path:
    """Write weights and parameters, wholly or not at all.

    Parameters
    ----------
    state
        Names -> arrays.
    path
        ``.safetensors`` or ``.npz``.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    DataError
        It cannot be written, or its suffix is another.

    Examples
    --------
    >>> import numpy as np
    >>> save_weights({"W1.w": np.ones((2, 3))}, "weights.safetensors").name
    'weights.safetensors'
    """
    file = Path(path)
    arrays = {name: np.asarray(array) for name, array in state.items()}
    # As they are in memory, without making single numbers vectors.
    arrays = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    if file.suffix == ".safetensors":
        from safetensors.numpy import save

        data = save(arrays, metadata={"format": FORMAT})
    elif file.suffix == ".npz":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]
        data = buffer.getvalue()
    else:
        raise DataError(f"{file}: got the suffix '{file.suffix}', expected .safetensors or .npz")
    write_file(file, data, parents=True)
    return file


def _read_npz(path: Path) -> State:
    with zipfile.ZipFile(path) as archive:
        packed, unpacked = path.stat().st_size, sum(member.file_size for member in archive.infolist())
    # Weights hardly pack; what does by this much is no weights file.
    if unpacked > max(1 << 24, 200 * packed):
        raise DataError(f"{path}: its arrays unpack from {packed} to {unpacked} bytes, which no weights do")
    with np.load(path, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}
