"""The table of defaults without rates: its data, its lengths, its cells, and what its page says of it."""

from __future__ import annotations

import importlib.util
import math
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

from neurosim import NeurosimClassifier
from neurosim.estimators.parameters import sections_of
from neurosim.model_files.model_file import load, load_variants
from neurosim.tasks import table

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "models" / "untuned"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program that writes the table and its summary."""
    spec = importlib.util.spec_from_file_location("untuned_table", ROOT / "docs" / "untuned_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "target", "source"),
    [
        ("iris", "species", load_iris),
        ("wine", "cultivar", load_wine),
        ("breast_cancer", "diagnosis", load_breast_cancer),
    ],
)
def test_the_data_are_those_of_scikit_learn(name: str, target: str, source) -> None:
    task = table.load(table.Config(path=FOLDER / f"{name}.csv", target=target, standardise=False), seed=0)
    given = source()
    splits = (task.train, task.validation, task.test)
    rows = np.concatenate([np.column_stack([split.inputs, split.targets.argmax(axis=1)]) for split in splits])
    classes = np.argsort(np.argsort(given.target_names))[given.target]  # by name, as tables number them
    expected = np.column_stack([given.data.astype(np.float32), classes])
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], expected[np.lexsort(expected.T)])


def test_every_data_set_is_as_long_as_a_classifier_takes_and_names_no_rate() -> None:
    counts = {"": 1295, "wine": 96, "breast_cancer": 410, "iris": 81, "teacher": 2000, "mnist": 5000}
    for name, model in load_variants("untuned/defaults").items():
        assert "learning_rate" not in model.given["scheme"] and "sigma" not in model.given["network"]["neuron"]
        if name in counts:
            wanted = sections_of(NeurosimClassifier().get_params(deep=False), counts[name])["training"]
            assert (model.training.epochs, model.training.batch_size) == (wanted["epochs"], wanted["batch_size"]), name
    for name in ("", "wine", "breast_cancer", "iris"):
        assert len(load("untuned/defaults", variants=[name] if name else []).load_task().train) == counts[name]


def test_the_sweep_has_all_cells(script: ModuleType) -> None:
    grid = tomllib.loads((FOLDER / "sweeps" / "table.toml").read_text())["grid"]
    shapes = {(len(hidden), *set(hidden)) for hidden in grid["network.hidden"]}
    assert shapes == {(depth, width) for depth in script.DEPTHS for width in script.WIDTHS}
    assert set(grid["network.neuron.activation"]) == set(script.ACTIVATIONS)
    assert {name or "digits" for name in grid["variant"]} == set(script.DATA)
    assert set(grid["scheme.kind"]) == set(script.SCHEMES)


def test_the_page_says_what_the_table_says(script: ModuleType) -> None:
    cells = script.compared(script.read(script.TABLE))
    assert script.summary(cells) in script.README.read_text(encoding="utf-8")


def test_cells_are_compared_seed_by_seed(script: ModuleType) -> None:
    def row(scheme: str, seed: int, right: float | str, angle: float, status: str = "finished") -> dict[str, str]:
        settings = {"data": "iris", "depth": "1", "width": "16", "activation": "relu"}
        angles = dict.fromkeys(script.LAYERS, "") | {"hidden1": str(angle)}
        return {
            **settings,
            "scheme": scheme,
            "seed": str(seed),
            "status": status,
            "test_accuracy": str(right),
            **angles,
        }

    def cell(*rows: dict[str, str]):
        (found,) = script.compared({tuple(each[name] for name in script.SETTINGS): each for each in rows}).values()
        return found

    bp, fa, learned = script.SCHEMES
    seed_0 = [row(bp, 0, 95, 0), row(fa, 0, 92, 50), row(learned, 0, 93, 40)]
    seed_1 = [row(bp, 1, 93, 0), row(fa, 1, 90, 40), row(learned, 1, 89, 60)]
    both = cell(*seed_0, *seed_1)
    assert (both.seeds, both.behind(), both.behind(fa)) == (2, -3.0, -3.0) and not both.nearer.any()
    # A seed that one scheme lacks is left out, and one that diverged falls behind whatever the others say.
    assert cell(*seed_0, *seed_1[:2]).behind() == -2.0 and cell(*seed_0).nearer.all()
    lost = cell(*seed_0, *seed_1[:2], row(learned, 1, "", math.nan, "diverged"))
    assert (lost.behind(), lost.diverged[learned], lost.accuracy[learned]) == (-math.inf, 1, 93.0)


def test_results_of_a_sweep_become_rows_and_what_was_not_run_does_not(script: ModuleType, tmp_path: Path) -> None:
    names = ("network.hidden", "network.neuron.activation", "variant", "scheme.kind", "seed", "status")
    numbers = ("test_accuracy", "hidden1.signal_angle_deg", "hidden2.signal_angle_deg")
    file = tmp_path / "results.csv"
    file.write_text(
        f"{','.join((*names, *numbers))}\n"
        '"[16, 16]",relu,,backpropagation,0,finished,97.216,1.0,2.345\n'
        '"[200]",tanh,wine,node_perturbation,1,diverged,,,\n'
        '"[200]",tanh,wine,node_perturbation,2,not run,,,\n'
    )
    first, second = script.collected(file).items()
    assert first[0] == ("digits", "2", "16", "relu", "backpropagation", "0")
    assert (first[1]["test_accuracy"], first[1]["hidden2"], first[1]["hidden3"]) == ("97.22", "2.35", "")
    assert second[0] == ("wine", "1", "200", "tanh", "node_perturbation", "1")
    assert (second[1]["status"], second[1]["test_accuracy"]) == ("diverged", "")
