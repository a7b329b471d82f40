"""What schemes build on: each kind of network is a file here, with the layers it has and the links between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.public_names import on_first_use

if TYPE_CHECKING:
    from neurosim.networks import layered as layered
    from neurosim.networks import recurrent as recurrent
    from neurosim.networks._network import Network as Network
    from neurosim.networks._network import Part as Part
    from neurosim.networks._network import Sized as Sized
    from neurosim.networks._network import image_of as image_of
    from neurosim.networks._network import neuron_of as neuron_of
    from neurosim.networks._network import rule_of as rule_of
    from neurosim.networks._relation import Relation as Relation

_HOME: dict[str, str] = {
    "layered": "",
    "recurrent": "",
    **dict.fromkeys(("Network", "Part", "Sized", "image_of", "neuron_of", "rule_of"), "_network"),
    "Relation": "_relation",
}
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = on_first_use(__name__, _HOME)
