"""A loss is computed of targets that it is made for, and of no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurosim import NeurosimRegressor
from neurosim.errors import ArgumentError, ConfigError
from neurosim.model_files.model_file import load
from neurosim.readouts._readout import Readout
from neurosim.runs.run import train
from tests.cases.run_tables import TABLE

REGRESSIONS = ("linear_regression", "nonlinear_regression", "teacher_student")


def _table(folder: Path, columns: dict[str, np.ndarray], target: str, readout: str) -> dict:
    np.savez(folder / "own.npz", x=columns["x"], y=columns["y"])
    task = {"kind": "table", "path": str(folder / "own.npz"), "target": target, "problem": "regression"}
    output = {"kind": "leaky_rate", "activation": "identity", "method": "exponential_euler"}
    network = {"hidden": [4], "readout": readout, "output_neuron": output}
    return {**TABLE, "task": {**task, "standardise_target": False}, "network": network}


@pytest.mark.parametrize("task", REGRESSIONS)
@pytest.mark.parametrize("readout", ["cross_entropy", "sigmoid_cross_entropy"])
def test_a_regression_is_refused_a_loss_of_classes(task, readout):
    model = load({**TABLE, "task": {"kind": task}, "network": {"hidden": [4], "readout": readout}})
    with pytest.raises(ConfigError, match=f"network.readout: got '{readout}'.*expected 'squared_error'"):
        _ = model.circuit


@pytest.mark.parametrize("values", ["numbers", "probabilities", "shares"])
def test_targets_are_those_that_a_loss_is_made_for(tmp_path, values):
    generator = np.random.default_rng(0)
    y = {"numbers": generator.standard_normal((40, 3)), "probabilities": generator.random((40, 3))}
    y["shares"] = y["probabilities"] / y["probabilities"].sum(axis=1, keepdims=True)
    x = generator.standard_normal((40, 2))
    takes = {"squared_error": 3, "sigmoid_cross_entropy": 2, "cross_entropy": 1}
    for readout, count in takes.items():
        model = load(_table(tmp_path, {"x": x, "y": y[values]}, "y", readout))
        if values in ("shares", "probabilities", "numbers")[:count]:
            assert model.circuit.population["output"].size == 3
        else:
            with pytest.raises(ConfigError, match=r"network\.readout"):
                train(model, out=tmp_path / "run")
            assert not (tmp_path / "run").exists()


def test_the_regressor_refuses_it_too():
    x = np.linspace(-1, 1, 40)[:, None]
    with pytest.raises(ConfigError, match=r"network\.readout: got 'cross_entropy'"):
        NeurosimRegressor((3,), readout="cross_entropy", epochs=1, random_state=0).fit(x, x[:, 0])


def test_a_readout_says_what_it_is_made_for_in_words_that_are_known():
    with pytest.raises(ArgumentError, match="targets: got 'share'"):
        Readout(error="y - target", loss="0.5*(y - target)**2", targets="share")  # pyright: ignore[reportArgumentType]
