"""What can be compared fairly: distinct models, the same data, and searches with the same number of trials.

Nothing heavy is imported here, so that a slip is reported at once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

from neurosim.errors import ConfigError, NeurosimError
from neurosim.installation import how_to_install
from neurosim.model_files.model_file import Model, settled
from neurosim.model_files.search_keys import override
from neurosim.model_files.variants import parted
from neurosim.studies.resampling import refuse_fixed_splits
from neurosim.studies.sweeps.plan import label_of
from neurosim.studies.sweeps.points import corners
from neurosim.suggestions import did_you_mean


def comparable(
    given: Sequence[str | Path | Model], models: Sequence[Model], *, resample: bool, reference: str | None
) -> tuple[dict[str, Model], str]:
    """The models by the shortest distinct names, and the name of the reference.

    Parameters
    ----------
    given
        What names the models, for names.
    models
        The models, their keys and types checked.
    resample
        Whether each seed has a split of its own.
    reference
        Name of the model that the others are compared with; by default the first.

    Raises
    ------
    ConfigError
        No models, models that measure with a probe or are given twice, a reference that is none of them, a split that
        its publisher has fixed, or searches that do not give each model the same chance.
    """
    if not models:
        raise ConfigError("got no model, expected at least one to compare")
    for model in models:
        if model.probe_kind:
            raise ConfigError(f"{model.name} measures with a probe, expected models that are trained")
        if resample:
            refuse_fixed_splits(model)
    if len({(model.name, model.hash) for model in models}) < len(models):
        raise ConfigError("a model was given twice")
    full = [full_name(each, model) for each, model in zip(given, models, strict=True)]
    named = dict(zip(short_names(full), models, strict=True))
    refuse_unequal(named)
    return named, _reference(reference, list(named), given)


def _reference(asked: str | None, names: Sequence[str], given: Sequence[str | Path | Model]) -> str:
    """The name of the reference; it may be asked for as its model was given."""
    if asked is None:
        return names[0]
    for name, each in zip(names, given, strict=True):
        if asked in (name, each.name if isinstance(each, Model) else str(each)):
            return name
    raise ConfigError.at("reference", f"got '{asked}', expected one of the models; {did_you_mean(asked, names)}")


def short_names(names: Sequence[str]) -> list[str]:
    """The shortest distinct ends of names, all of the same depth; numbered where whole names are the same."""
    parts = [name.split("/") for name in names]
    for depth in range(1, max(map(len, parts), default=0) + 1):
        short = ["/".join(part[-depth:]) for part in parts]
        if len(set(short)) == len(short):
            return short
    seen: dict[str, int] = {}
    numbered = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return numbered


def full_name(given: str | Path | Model, model: Model) -> str:
    """The name of a model, with the folder of its file."""
    if isinstance(given, Model):
        return model.name
    path = parted(given)[0] if isinstance(given, str) else str(given)
    from_file = isinstance(given, Path) or path.endswith(".toml")
    return (Path(path).resolve().parent / model.name).as_posix() if from_file else model.name


def refuse_unequal(models: Mapping[str, Model]) -> None:
    """Refuse searches that do not give each model the same chance.

    Parameters
    ----------
    models
        Name -> model, its keys and types checked.

    Raises
    ------
    ConfigError
        Some models have no ``[tune]``, or settings other than the keys differ, or there are fewer trials than models,
        or an end of a range does not fit.
    """
    sections = {name: model.tune for name, model in models.items()}
    tuned = {name: section for name, section in sections.items() if section is not None}
    if not tuned:
        return
    missing = [name for name in sections if name not in tuned]
    first, *others = tuned
    if missing:
        raise ConfigError.at(
            "tune",
            f"{first} has it and {missing[0]} has not, expected the same number of trials for all that is compared",
        )
    options = tuned[first].options
    for other in others:
        for name, value in tuned[other].options.model_dump().items():
            if value != getattr(options, name):
                raise ConfigError.at(
                    f"tune.{name}",
                    f"got {getattr(options, name)} for {first} and {value} for {other}, expected the same for all that "
                    "is compared",
                )
    if options.trials < len(models):
        raise ConfigError.at(
            "tune.trials",
            f"got {options.trials} for {len(models)} schemes, expected at least as many trials (of each) as schemes: "
            "of fewer, luck decides which scheme finds its rates",
        )
    _require_optuna()
    for name, model in models.items():
        _refuse_ends(name, model)


def _refuse_ends(name: str, model: Model) -> None:
    """Refuse keys and ends of ranges that do not fit the model."""
    assert model.tune is not None
    for values in corners(model.tune.keys):
        try:
            settled(model, [override(key, value) for key, value in values.items()])
        except NeurosimError as error:
            key, sentence = error.faults[0] if error.faults else (next(iter(values)), str(error))
            raise ConfigError.at(f"tune.{key}", f"{sentence} (in {name}, with {label_of(values)})") from error


def _require_optuna() -> None:
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError(f"[tune] needs optuna, which is not installed; {how_to_install('sweep')}")
