"""The section ``[tune]``: a search for settings before models are compared, with the same number of trials for each.

    [tune]
    trials = 20
    scheme.learning_rate = { low = 0.01, high = 1.0, log = true }

A run by itself ignores it: `neurosim.compare` and ``neurosim compare`` carry it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from neurosim import registry
from neurosim.model_files.checking import Faults, check_table, shown
from neurosim.model_files.search_keys import MOST, VARIANT, Choice, Range, read_keys

#: Where a search may not choose: with another task it would be another comparison.
_NOT_SEARCHED = ("model", "task", "probe", "tune", "variants", VARIANT)
_METRICS = ("validation_accuracy", "validation_loss")


class Tune(BaseModel):
    """Settings of ``[tune]``; all other keys are key paths with values or ranges.

    Attributes
    ----------
    trials
        How many configurations are tried, of each model that is compared, and of each split if `each_split`.
    startup
        How many of them are drawn at random before the tree-structured Parzen estimator proposes any.
    seed
        Seed of the search. The same for all models: where they tune the same key, they begin with the same values.
    seeds
        Seeds that every trial is trained with, where there is one search for all splits.
    metric
        What a trial is judged by after its last epoch: ``validation_accuracy`` or ``validation_loss``; by default the
        accuracy where the task has one. Never a number of the test split.
    each_split
        With a new split for each seed (``--resample``): whether to search anew on each, with its seed, so that no
        example of a test split has been used to choose anything. If not, the split of seed 0 chooses for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: int = Field(ge=1, le=MOST)
    startup: int = Field(default=10, gt=0, le=MOST)
    seed: int = Field(default=0, ge=0, lt=2**63)
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = Field(default=(0,), min_length=1, max_length=MOST)
    metric: Literal["validation_accuracy", "validation_loss"] | None = None
    each_split: bool = True


@dataclass(frozen=True)
class TuneSection:
    """A checked section ``[tune]``.

    Attributes
    ----------
    options
        Its settings.
    keys
        Key path -> values, or a range to draw from.
    """

    options: Tune
    keys: Mapping[str, Choice]

    @property
    def described(self) -> dict[str, Any]:
        """All of it, as a table that reproduces it."""
        keys: dict[str, Any] = {
            key: choice.model_dump(mode="json", exclude_none=True) if isinstance(choice, Range) else list(choice)
            for key, choice in self.keys.items()
        }
        return self.options.model_dump(mode="json", exclude_none=True) | keys


def tune_section(table: Any, faults: Faults) -> TuneSection | None:
    """Check the section; ``None`` if it has faults."""
    if not isinstance(table, Mapping):
        faults.add("tune", f"got {shown(table)}, expected a table [tune] with trials and key paths")
        return None
    before = len(faults.listed)
    # As in [search]: a key with a dot, or a table, is a key path.
    own = {k: v for k, v in table.items() if "." not in str(k) and k != VARIANT and not isinstance(v, Mapping)}
    _refuse_metric(own, faults)
    options = check_table(Tune, own, "tune", faults)
    paths = {key: value for key, value in table.items() if key not in own}
    keys = read_keys(paths, "tune", faults)
    if not paths:
        faults.add("tune", "got no key path, expected at least one, such as scheme.learning_rate = { low = ... }")
    for key, choice in keys.items():
        section = key.partition(".")[0]
        if section in _NOT_SEARCHED:
            faults.add(
                f"tune.{key}", f"'{section}' is the same for all that is compared, expected a key such as scheme.*"
            )
        if isinstance(choice, Range) and choice.count is not None:
            faults.add(f"tune.{key}.count", "unknown key in [tune], whose values are drawn between low and high")
    if options is not None:
        if len(set(options.seeds)) < len(options.seeds):
            faults.add("tune.seeds", f"got {list(options.seeds)}, expected every seed once")
        if options.trials < len(keys):
            expected = f"expected at least {len(keys)}, one for each key that is searched"
            faults.add("tune.trials", f"got {options.trials}, {expected}")
    return TuneSection(options, keys) if options is not None and len(faults.listed) == before else None


def _refuse_metric(own: dict[str, Any], faults: Faults) -> None:
    """Refuse a metric that is not of the validation split, with the reason."""
    metric = own.get("metric")
    if metric is None or metric in _METRICS:
        return
    why = ": what chooses a setting cannot judge it, too" if str(metric).startswith("test") else ""
    faults.add("tune.metric", f"got {shown(metric)}, expected {' or '.join(_METRICS)}{why}")
    del own["metric"]


def without_keys_of_another_scheme(tune: Any, given: Any, kind: Any) -> Any:
    """A section ``[tune]`` for a variant with another scheme, which may not have all keys of the file's.

    Parameters
    ----------
    tune
        The section as merged.
    given
        What the variant itself says of it; these keys stay, so that a slip in them is reported.
    kind
        The variant's scheme.
    """
    if not isinstance(tune, Mapping) or not isinstance(kind, str) or kind not in registry.names("schemes"):
        return tune
    fields = registry.load("schemes", kind).Config.model_fields
    own = set(read_keys(_paths(given), "", Faults())) if isinstance(given, Mapping) else set[str]()
    kept: dict[str, Any] = {}
    for name, value in tune.items():
        if name == "scheme" and isinstance(value, Mapping):
            value = {key: v for key, v in value.items() if key in fields or f"scheme.{key}" in own}
            if not value:
                continue
        elif str(name).startswith("scheme.") and name not in own and str(name).split(".")[1] not in fields:
            continue
        kept[name] = value
    return kept


def _paths(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if "." in str(key) or isinstance(value, Mapping)}
