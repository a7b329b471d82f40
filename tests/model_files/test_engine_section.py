"""The section of the engine: it names one of the registry's engines, a user's own as well, with settings of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neurosim import registry
from neurosim.errors import ConfigError
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import load

OWN = '''
"""Mine: says what it was given."""
from neurosim.engines._engine import EngineConfig

class Config(EngineConfig):
    levels = ("steady", "rate")
    corners: int = 3

def build(config, circuit, optimiser):
    return config.corners, circuit, optimiser.kind
'''.lstrip()


def _model(**engine: Any) -> Any:
    return load({"task": {"kind": "digits"}, "scheme": {"kind": "backpropagation"}, "engine": engine})


def test_an_engine_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    (tmp_path / "mine.py").write_text(OWN)
    assert registry.register("engines", tmp_path / "mine.py") == "mine"
    assert registry.describe("engines", "mine") == "Mine: says what it was given."
    model = _model(kind="mine", corners=4)
    assert model.resolve()["engine"] == {
        "kind": "mine", "level": "rate", "dt": "1 ms", "dtype": "float32", "corners": 4,
    }  # fmt: skip
    assert make_engine(model.engine, model.circuit) == (4, model.circuit, "sgd")
    with pytest.raises(ConfigError, match=r"engine\.corners: got 4 with kind 'batched', expected it with 'mine' only"):
        _model(corners=4)
    with pytest.raises(ConfigError, match="got level 'spiking' with kind 'mine', expected 'steady' or 'rate'"):
        _model(kind="mine", level="spiking")


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ({"target": "cython"}, r"engine\.target: got 'cython' with kind 'batched', expected it with 'brian' only"),
        ({"kind": "brian", "target": "c"}, r"engine\.target: got 'c', expected 'numpy', 'cython' or"),
        ({"kind": 3}, r"engine\.kind: got 3, expected one of batched, brian"),
        ({"kind": "brian", "level": "steady", "dt": "2 ms"}, "engine: got level 'steady' with kind 'brian'"),
        ({"dt": "2 second"}, r"engine\.dt: got '2 second', expected a time from 1 ns"),
        ({"levl": "rate"}, r"engine\.levl: unknown key, got 'rate'; did you mean 'level'"),
    ],
)
def test_slips_are_told_by_their_key(engine: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _model(**engine)


def test_settings_are_what_they_were() -> None:
    """Names of runs hang on them."""
    assert load("lansdell2020/digits").resolve()["engine"].keys() == {"kind", "level", "dt", "dtype"}
    assert list(_model(kind="brian", target="cython").resolve()["engine"]) == ["kind", "level", "dt", "dtype", "target"]
