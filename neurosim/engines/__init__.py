"""Engines that run circuits: JAX on batches of trials, Brian2, and plain NumPy to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.public_names import on_first_use

if TYPE_CHECKING:
    from neurosim.engines._engine import Call as Call
    from neurosim.engines._engine import Engine as Engine
    from neurosim.engines._engine import EngineConfig as EngineConfig
    from neurosim.engines._engine import Limit as Limit
    from neurosim.engines._engine import limits_met as limits_met
    from neurosim.engines._engine import refuse as refuse
    from neurosim.engines.outputs import Outputs as Outputs
    from neurosim.engines.setting import Setting as Setting
    from neurosim.engines.stimuli import Stimulus as Stimulus

_HOME: dict[str, str] = {
    **dict.fromkeys(("Call", "Engine", "EngineConfig", "Limit", "limits_met", "refuse"), "_engine"),
    "Outputs": "outputs",
    "Setting": "setting",
    "Stimulus": "stimuli",
}
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = on_first_use(__name__, _HOME)
