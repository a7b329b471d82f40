"""Kinds of networks: one's own in a file, which schemes build on which, and what a model file says of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from neurosim import registry
from neurosim.errors import ConfigError
from neurosim.model_files.model_file import load
from neurosim.networks import Part, layered
from tests.schemes.small_networks import sections, written_again

COLUMN = '''
"""Equal layers, each but the first with a skip past the one below."""

from typing import Any

from pydantic import PositiveInt, model_validator

from neurosim.networks import layered


class Config(layered.Config):
    """Settings, besides those of layered networks.

    Attributes
    ----------
    width, depth
        Of the column: neurons in a layer, and layers.
    """

    width: PositiveInt = 4
    depth: PositiveInt = 3

    @model_validator(mode="before")
    @classmethod
    def _column(cls, given: Any) -> Any:
        width, depth = given.get("width", 4), given.get("depth", 3)
        skips = ({"size": width, "skip_from": f"hidden{number - 2}"} for number in range(3, depth + 1))
        return {**given, "hidden": (width, width, *skips)[:depth]}
'''
#: A network that is nothing like layers, and a scheme that builds on it alone.
RING = '''
"""Neurons in a ring."""

from neurosim.networks import Network


class Config(Network):
    """Settings.

    Attributes
    ----------
    size
        How many.
    """

    size: int = 5

    @property
    def layers(self) -> tuple[str, ...]:
        return ("ring",)
'''
AROUND = '''
"""Nothing learns."""

from pydantic import BaseModel

from neurosim import Circuit, NeuronModel, Phase, Population
from neurosim.networks import Network, Relation, Sized

GRADIENT = Relation.OPEN
NETWORKS = (Network,)


class Config(BaseModel):
    """No settings."""


def build(config: Config, network: Network, task: Sized) -> Circuit:
    """One population for each layer."""
    unit = NeuronModel("r : 1", ports={"output": "r"})
    return Circuit("around", [Population(name, 3, unit) for name in network.layers], (), (Phase("all", "1 ms"),))
'''


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    for kind, name, text in (("networks", "column", COLUMN), ("networks", "ring", RING), ("schemes", "around", AROUND)):
        (tmp_path / f"{name}.py").write_text(text.lstrip())
        registry.register(kind, tmp_path / f"{name}.py")


def test_the_usual_kind_is_not_written_and_changes_no_hash() -> None:
    plain = load(sections(hidden=[4]))
    named = load(sections(kind="layered", hidden=[4]))
    assert "kind" not in named.resolve()["network"]
    assert named.hash == plain.hash and named.network_kind == "layered"
    assert isinstance(named.network, layered.Config)


def test_ones_own_network_is_one_file() -> None:
    model = load(sections(kind="column", width=5, depth=4))
    assert model.resolve()["network"]["kind"] == "column"
    assert written_again(model)["network"]["width"] == 5
    again = load(model.resolve())
    assert (again.hash, again.network) == (model.hash, model.network)
    circuit = model.build(SimpleNamespace(n_inputs=3, n_outputs=2))
    assert {"skip1_3", "skip2_4", "unskip1_3"} <= set(circuit.pathway)


def test_its_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"network\.widht: unknown key, got 5; did you mean 'width'"):
        load(sections(kind="column", widht=5))
    with pytest.raises(ConfigError, match=r"network\.kind: got 'colunm', expected .*did you mean 'column'"):
        load(sections(kind="colunm"))
    with pytest.raises(ConfigError, match=r"network\.neuron\.kind: got 'lfi'.*did you mean 'lif'"):
        load(sections(kind="column", neuron={"kind": "lfi"}))


def test_what_a_scheme_does_not_build_on_is_refused_by_the_key() -> None:
    said = r"1 fault\n  network\.kind: got 'ring', on which the scheme 'backpropagation' does not build; expected "
    with pytest.raises(ConfigError, match=said + "column, layered$"):
        load(sections(kind="ring"))
    given: dict[str, Any] = {**sections(kind="ring"), "scheme": {"kind": "around"}}
    assert load(given).build(SimpleNamespace(n_inputs=3, n_outputs=2)).population.keys() == {"ring"}


def test_biases_past_a_normalisation_need_the_rule_of_the_other_error(tmp_path: Path) -> None:
    text = 'from neurosim.rules import Rule\nRULE = Rule("w -= delta_held_post*r_held_pre", name="half")\n'
    (tmp_path / "half.py").write_text(text)
    registry.register("rules", tmp_path / "half.py")
    network = layered.Config(neuron=Part.model_validate({"kind": "leaky_rate", "normalised": True}))
    with pytest.raises(ConfigError, match=r"network\.neuron\.normalised: .* 'half' would need a rule 'offset_half'"):
        layered.forward_pathways(network, 0.1, "half")
    rules = {p.name: p.synapse.name for p in layered.forward_pathways(network, 0.1, decay=0.01)}
    assert (rules["W1"], rules["b1"], rules["b3"]) == ("decaying_delta", "offset_decaying_delta", "decaying_delta")


def test_public_names_of_packages_are_light_until_they_are_used() -> None:
    code = """
import sys, neurosim
packages = [neurosim.neurons, neurosim.rules, neurosim.readouts, neurosim.tasks, neurosim.networks, neurosim.probes]
print([name for name in ("brian2", "jax", "numpy", "pydantic") if name in sys.modules])
print([name for package in packages for name in package.__all__ if not hasattr(package, name)])
print(hasattr(neurosim.rules, "Ruel"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split("\n")[:3] == ["[]", "[]", "False"], done.stderr
