"""Data sets and synthetic tasks, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.public_names import on_first_use

if TYPE_CHECKING:
    from neurosim.tasks._input_spikes import InputSpikes as InputSpikes
    from neurosim.tasks._task import Criterion as Criterion
    from neurosim.tasks._task import FileRead as FileRead
    from neurosim.tasks._task import Sizes as Sizes
    from neurosim.tasks._task import Split as Split
    from neurosim.tasks._task import Task as Task
    from neurosim.tasks._timed import TimedSplit as TimedSplit

_HOME: dict[str, str] = {
    **dict.fromkeys(("Criterion", "FileRead", "Sizes", "Split", "Task"), "_task"),
    "InputSpikes": "_input_spikes",
    "TimedSplit": "_timed",
}
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = on_first_use(__name__, _HOME)
