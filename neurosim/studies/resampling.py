"""A new split of the data for each seed, the same for all models, and refusals of splits that judge badly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from neurosim import registry
from neurosim.errors import ConfigError
from neurosim.model_files.model_file import Model
from neurosim.tasks._task import Task

#: The setting that says which examples are held out.
SPLIT = "split_seed"
# Settings that say how much of the data a split has, by what they are called in different tasks.
_SHARES: Mapping[str, tuple[str, ...]] = {
    "train": ("n_train", "test_fraction", "validation_fraction"),
    "validation": ("validation_fraction", "validation", "n_validation"),
    "test": ("test_fraction", "n_test"),
}


def refuse_fixed_splits(model: Model) -> None:
    """Refuse a task whose publisher has fixed the split, before anything heavy is imported.

    Raises
    ------
    ConfigError
        With what to do instead.
    """
    if model.task_kind and getattr(registry.load("tasks", model.task_kind), "PUBLISHED_TEST", False):
        raise ConfigError.at(
            "task.kind",
            f"got '{model.task_kind}' with resample, expected a task that this program splits: its test split is the "
            "publisher's, and numbers on another one compare with nobody's; leave resample out (seeds still differ in "
            "weights, order and noise), or put all examples into one file and name it with task.kind = 'table'",
        )


def is_split_by_setting(model: Model) -> bool:
    """Whether a setting of the task says which examples are held out; if not, data depend on the run's seed, if any."""
    return SPLIT in type(model.task_config).model_fields


def resampled(model: Model, seed: int) -> list[str]:
    """The settings that give a model the split of a seed; none where data are drawn anew with each seed anyway."""
    return [f"task.{SPLIT}={seed}"] if is_split_by_setting(model) else []


def refuse_same_data(model: Model) -> None:
    """Refuse a task that gives the same test for every seed and has no setting that says which.

    Raises
    ------
    ConfigError
        Naming the task.
    """
    if is_split_by_setting(model):
        return
    first, second = (model.load_task(seed=seed).test for seed in (0, 1))
    arrays = [(first.inputs, second.inputs), (first.targets, second.targets)]
    # Spikes are no array.
    if all(isinstance(each, np.ndarray) and np.array_equal(each, other) for each, other in arrays):
        raise ConfigError.at(
            "task.kind",
            f"got '{model.task_kind}' with resample, expected a task with a setting '{SPLIT}', or one that draws new "
            "data with each seed: this one has the same test for all; leave resample out",
        )


def refuse_missing_classes(model: Model, task: Task, seed: int, *, tuned: bool) -> None:
    """Refuse splits in which a class of the task is missing: they cannot judge how well it is told from the others.

    Parameters
    ----------
    model, task
        The model, and its data at this split.
    seed
        Which, for the message.
    tuned
        Whether settings are chosen on the validation split, which is refused then if it is empty.

    Raises
    ------
    ConfigError
        Naming the setting that sizes the split, and the class.
    """
    splits = {"train": task.train, "validation": task.validation, "test": task.test}
    if tuned and not len(task.validation):
        raise ConfigError.at(
            _share(model, "validation"), "gives an empty validation split, expected examples for [tune]"
        )
    labels = {name: split.labels for name, split in splits.items()}
    known = {int(label) for each in labels.values() if each is not None for label in np.unique(each)}
    for name, given in labels.items():
        if given is None or (name == "validation" and not tuned):
            continue
        missing = sorted(known - {int(label) for label in np.unique(given)})
        if missing:
            raise ConfigError.at(
                _share(model, name),
                f"leaves the {name} split of seed {seed} ({len(given)} examples) without the class "
                f"{_class_names(task, missing)}, expected every class in it; give the split a larger share, or more "
                "examples",
            )


def _share(model: Model, split: str) -> str:
    """The setting that says how large a split is."""
    fields = type(model.task_config).model_fields
    return f"task.{next((name for name in _SHARES[split] if name in fields), 'kind')}"


def _class_names(task: Task, labels: Iterable[int]) -> str:
    names = (task.encoding or {}).get("classes") or {}
    known = list(names) if not isinstance(names, Mapping) else []
    return ", ".join(str(known[label]) if label < len(known) else str(label) for label in labels)
