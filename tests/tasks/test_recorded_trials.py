"""A user's own trials: files and stores, numbers and spike times, and what is refused with the trial in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest

from neurosim.errors import ConfigError, DataError
from neurosim.tasks import InputSpikes, recorded_trials

N, T = 20, 8
DRAWN = np.random.default_rng(0)
ARRAYS: dict[str, np.ndarray] = {
    "seen": DRAWN.normal(2, 3, size=(N, T, 3)),
    "wanted": DRAWN.normal(size=(N, T, 2)),
    "counts": np.tile(np.arange(T) > 3, (N, 1)),
    "kind": np.arange(N) % 3,
    "choice": np.arange(N) % 2,
    "t": 0.5 + 0.004 * np.arange(T),
    "fired_trial": np.array([0, 0, 3]),
    "fired_time": np.array([0.001, 0.012, 0.031]),
    "fired_neuron": np.array([4, 0, 4]),
    "note": np.array("by hand"),
}
PLAIN: dict[str, Any] = {"inputs": "seen", "targets": "wanted", "dt": "4 ms"}
SPIKES: dict[str, Any] = {"spikes": "fired", "n_inputs": 5, "targets": "wanted", "dt": "4 ms"}


def written(folder: Path, **changes: Any) -> Path:
    kept = {name: array for name, array in {**ARRAYS, **changes}.items() if array is not None}
    np.savez(folder / "own.npz", **kept)
    return folder / "own.npz"


def load(path: Path, **settings: Any) -> Any:
    return recorded_trials.load(recorded_trials.Config(path=path, **settings), seed=0)


def rows_of(task: Any) -> list[np.ndarray]:
    """The trials of the file that each split holds."""
    splits = (task.train, task.validation, task.test)
    return [
        np.array([int(np.flatnonzero((ARRAYS["wanted"].astype(np.float32) == each).all(axis=(1, 2)))[0]) for each in s])
        for s in (split.targets for split in splits)
    ]


def test_each_trial_is_in_one_split_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    names = {"mask": "counts", "trial_type": "kind", "labels": "choice"}
    task = load(written(tmp_path), **PLAIN, **names)
    rows = rows_of(task)
    assert sorted(np.concatenate(rows).tolist()) == list(range(N)) and [len(each) for each in rows] == [14, 2, 4]
    for split, own in zip((task.train, task.validation, task.test), rows, strict=True):
        np.testing.assert_array_equal(split.inputs, ARRAYS["seen"][own].astype(np.float32))
        np.testing.assert_array_equal(split.mask, ARRAYS["counts"][own])
        np.testing.assert_array_equal(split.trial_type, ARRAYS["kind"][own])
        np.testing.assert_array_equal(split.labels, ARRAYS["choice"][own])
    assert task.kind == "classification" and task.dt == 0.004 and len(task.files) == 1
    assert np.bincount(task.test.labels).tolist() == [2, 2]


def test_times_say_the_grid_step(tmp_path: Path) -> None:
    settings = {key: value for key, value in PLAIN.items() if key != "dt"}
    assert load(written(tmp_path), **settings, time="t").dt == pytest.approx(0.004)
    in_ms = written(tmp_path, t=1e3 * ARRAYS["t"])
    assert load(in_ms, **settings, time="t", time_unit="1 ms").dt == pytest.approx(0.004)


def test_spikes_are_read_as_events(tmp_path: Path) -> None:
    task = load(written(tmp_path), **SPIKES)
    fires = np.zeros((N, T, 5))
    fires[[0, 0, 3], [0, 3, 7], [4, 0, 4]] = 1
    rows = rows_of(task)
    for split, own in zip((task.train, task.validation, task.test), rows, strict=True):
        assert isinstance(split.inputs, InputSpikes)
        np.testing.assert_array_equal(split.inputs.dense(), fires[own])


def test_spikes_and_steps_count_from_the_same_time(tmp_path: Path) -> None:
    settings = {key: value for key, value in SPIKES.items() if key != "dt"}
    path = written(tmp_path, fired_time=ARRAYS["fired_time"] + 0.5)
    one, other = load(path, **settings, time="t"), load(written(tmp_path), **SPIKES)
    np.testing.assert_array_equal(one.train.inputs.dense(), other.train.inputs.dense())


def test_a_store_with_named_axes_gives_the_same(tmp_path: Path) -> None:
    import xarray

    dims = {"seen": ("neuron", "time", "trial"), "wanted": ("time", "trial", "k"), "kind": ("trial",)}
    named = {name: (dim, ARRAYS[name]) for name, dim in dims.items()}
    turned = {"seen": ARRAYS["seen"].T, "wanted": ARRAYS["wanted"].swapaxes(0, 1), "kind": ARRAYS["kind"]}
    arrays = {name: (dim, turned[name]) for name, (dim, _) in named.items()}
    xarray.Dataset(arrays).to_zarr(tmp_path / "own.zarr", zarr_format=2, consolidated=False)
    one = load(tmp_path / "own.zarr", **PLAIN, trial_type="kind")
    other = load(written(tmp_path), **PLAIN, trial_type="kind")
    for name in ("inputs", "targets", "mask", "trial_type"):
        np.testing.assert_array_equal(getattr(one.train, name), getattr(other.train, name))
    before = one.files[0]["sha256"]
    (tmp_path / "own.zarr" / "kind" / "0").write_bytes(b"")
    assert recorded_trials.arrays_of(tmp_path / "own.zarr").files()[0]["sha256"] != before


def test_inputs_are_standardised_by_the_training_split(tmp_path: Path) -> None:
    task = load(written(tmp_path), **PLAIN, standardise=True)
    np.testing.assert_allclose(task.train.inputs.mean(axis=(0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(task.train.inputs.std(axis=(0, 1)), 1, atol=1e-6)
    assert np.abs(task.test.inputs.mean(axis=(0, 1))).max() > 1e-3


def test_targets_that_all_trials_share(tmp_path: Path) -> None:
    task = load(written(tmp_path, wanted=ARRAYS["wanted"][0]), **PLAIN)
    np.testing.assert_array_equal(task.train.targets[3], ARRAYS["wanted"][0].astype(np.float32))
    assert task.floors["nothing"] == pytest.approx(0.5 * ARRAYS["wanted"][0].var(axis=0).sum(), rel=1e-5)


def spoilt(name: str, place: Any, value: float) -> dict[str, np.ndarray]:
    array = ARRAYS[name].astype(float)
    array[place] = value
    return {name: array}


FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "NaN in one trial": (spoilt("seen", (7, 2), np.nan), PLAIN, r"own.npz: inputs: trial 7 is not finite in 1 of 8"),
    "a mask of zeros": (spoilt("counts", 5, 0.0), {**PLAIN, "mask": "counts"}, "mask: trial 5 is zero at all steps"),
    "a negative mask": (spoilt("counts", (5, 1), -1), {**PLAIN, "mask": "counts"}, "mask: trial 5 has -1 at step 1"),
    "another length": ({"wanted": ARRAYS["wanted"][:, 1:]}, PLAIN, "targets: got 7 steps in each trial, expected 8"),
    "times that fall": (
        spoilt("t", 3, 0.5),
        {**PLAIN, "dt": None, "time": "t"},
        "time: step 3 is at 0.5 s, not after 0.508 s of the step before; expected times that rise",
    ),
    "times off the grid": (
        spoilt("t", 3, 0.513),
        {**PLAIN, "dt": None, "time": "t"},
        "time: step 3 is at 0.513 s, off the grid of 4 ms from 0.5 s on; expected evenly spaced times: interpolate",
    ),
    "a time that is not finite": (
        spoilt("t", 3, np.nan),
        {**PLAIN, "dt": None, "time": "t"},
        "time: step 3 is not finite",
    ),
    "times of another length": (
        {"t": 0.004 * np.arange(9)},
        {**PLAIN, "dt": None, "time": "t"},
        "'t' has 9 times, expected 8 as 'wanted' has steps",
    ),
    "spikes out of order": (
        {"fired_time": np.array([0.012, 0.001, 0.031])},
        SPIKES,
        "spikes: times of trial 0 are not sorted, 0.001 s follows 0.012 s",
    ),
    "spikes beyond the trial": ({"fired_time": np.array([0.001, 0.012, 0.032])}, SPIKES, "trial 3 has one at 0.032 s"),
    "spikes of other neurons": ({"fired_neuron": np.array([5, 0, 4])}, SPIKES, "has the neuron 5, expected .* 0 to 4"),
    "spikes of unequal length": (
        {"fired_neuron": np.array([4, 0])},
        SPIKES,
        r"got the shapes .*'fired_neuron' \(2,\), expected one entry a spike",
    ),
    "targets of all trials with spikes": (
        {"wanted": np.ones((T, 2))},
        SPIKES,
        r"'wanted' has shape \(8, 2\), expected",
    ),
    "text": ({}, {**PLAIN, "mask": "note"}, "'note' holds <U7, expected numbers"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_refused_names_the_file_and_the_trial(fault: str, tmp_path: Path) -> None:
    changes, settings, message = FAULTS[fault]
    with pytest.raises(DataError, match=message):
        load(written(tmp_path, **changes), **settings)


def test_arrays_that_are_not_there(tmp_path: Path) -> None:
    path = written(tmp_path)
    for act in (recorded_trials.look, lambda config: recorded_trials.load(config, seed=0)):
        with pytest.raises(ConfigError, match=r"task.mask: .* has no array 'cuonts'; did you mean 'counts'"):
            act(recorded_trials.Config(path=path, **PLAIN, mask="cuonts"))
        with pytest.raises(DataError, match="no such file"):
            act(recorded_trials.Config(path=tmp_path / "none.npz", **PLAIN))
        (tmp_path / "own.csv").write_text("a,b")
        with pytest.raises(DataError, match=r"got a file '.csv', expected .npz, or the folder of a Zarr store"):
            act(recorded_trials.Config(path=tmp_path / "own.csv", **PLAIN))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dt": "1 ms"}, "got neither inputs nor spikes"),
        ({**PLAIN, "spikes": "fired", "n_inputs": 3}, "got both inputs and spikes"),
        ({**PLAIN, "n_inputs": 3}, "n_inputs: got a number, expected it with spikes"),
        ({"spikes": "fired", "dt": "1 ms"}, "n_inputs: got none, expected it with spikes"),
        ({"inputs": "seen"}, "dt: got neither time nor dt"),
        ({**PLAIN, "time": "t"}, "dt: got both time and dt"),
    ],
)
def test_settings_that_say_too_little_or_too_much(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        recorded_trials.Config(path=Path("own.npz"), **settings)
