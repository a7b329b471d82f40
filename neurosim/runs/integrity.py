"""Readers for files of a run folder, which may be damaged or a stranger's: the parts of `neurosim.gate` that runs use.

Sizes are checked before memory is allocated, links are never followed, and formats that can run code (object arrays,
pickling filters) are refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosim.gate.limits import check_size as check_size
from neurosim.gate.limits import memory as memory
from neurosim.gate.seals import digest_of as digest_of
from neurosim.gate.seals import digest_of_file as digest_of_file
from neurosim.gate.seals import run_checksums as run_checksums
from neurosim.gate.seals import sealed as sealed
from neurosim.gate.seals import unsealed as unsealed
from neurosim.gate.tensors import read_tensors
from neurosim.gate.texts import read_json as read_json
from neurosim.gate.tree import files_in as files_in


def read_arrays(path: Path, digest: str | None = None) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file.

    Parameters
    ----------
    digest
        The SHA-256 it must have.

    Raises
    ------
    DataError
        It cannot be read, is larger than the user allows, damaged, or no safetensors.
    """
    return read_tensors(path, digest).arrays
