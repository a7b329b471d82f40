"""Save and load weights and parameters: safetensors, and NumPy's .npz."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.atomic import write_file
from neurosim.border import PATH, public
from neurosim.border.arguments import MAPPING
from neurosim.engines.state import State
from neurosim.errors import DataError
from neurosim.gate.limits import largest, shown
from neurosim.gate.npz import read_npz
from neurosim.gate.seals import run_checksums
from neurosim.gate.tensors import read_tensors, with_seal

#: The format in the metadata of a weights file.
FORMAT = "neurosim state 1"
#: The weights in a run folder.
IN_RUN = "weights.safetensors"


@public(path=PATH)
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
        The file is missing, damaged, of another kind, or holds more than numbers.

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
    if file.suffix not in (".npz", ".safetensors"):
        raise DataError(f"{file}: got a file '{file.suffix}', expected .safetensors or .npz")
    try:
        arrays = _read(file)
    except DataError as error:
        said = str(error).removeprefix(f"{file}: ")
        raise DataError(f"{file}: no weights, or damaged ones ({said})") from error
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise DataError(f"{file}: '{name}' holds {array.dtype}, expected numbers")
    # In the machine's byte order, which engines need.
    return {name: array.astype(array.dtype.newbyteorder("="), copy=False) for name, array in arrays.items()}


def _read(file: Path) -> State:
    if file.suffix == ".npz":
        # Weights hardly compress; a file that does is no weights file.
        most = min(largest(), max(1 << 24, 200 * file.stat().st_size))
        return read_npz(file, largest=most, hint=f" of {shown(file.stat().st_size)} packed, which no weights do")
    # Weights in a run folder are always compared with its checksums.
    written = run_checksums(file.parent) if file.name == IN_RUN else None
    return read_tensors(file, None if written is None else written.get(IN_RUN)).arrays


@public(state=MAPPING, path=PATH)
def save_weights(state: Mapping[str, Any], path: str | Path) -> Path:
    """Write weights and parameters, completely or not at all.

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
        It cannot be written, its suffix is another, or what is given are no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> save_weights({"W1.w": np.ones((2, 3))}, "weights.safetensors").name
    'weights.safetensors'
    """
    file = Path(path)
    arrays = {name: np.asarray(array) for name, array in state.items()}
    for name, array in arrays.items():
        if not isinstance(name, str) or array.dtype.kind not in "fiub":
            raise DataError(f"{file}: '{name}' holds {array.dtype}, expected names of arrays of numbers")
    if file.suffix == ".safetensors":
        data = with_seal(arrays, {"format": FORMAT})
    elif file.suffix == ".npz":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]
        data = buffer.getvalue()
    else:
        raise DataError(f"{file}: got the suffix '{file.suffix}', expected .safetensors or .npz")
    write_file(file, data, parents=True)
    return file
