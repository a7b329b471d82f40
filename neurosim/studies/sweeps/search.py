"""Search with Optuna: the study lives in the sweep's folder, so that it can be continued."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosim.random import stream
from neurosim.studies.sweeps.keys import Choice, Range, toml_text
from neurosim.studies.sweeps.plan import Plan
from neurosim.studies.sweeps.points import Search

JOURNAL = "search.journal"
_MESSAGE = "message of trial "


class Study:
    """An Optuna study of a sweep. Trials are numbered from 0.

    Parameters
    ----------
    plan
        Of a search.
    folder
        Where its journal is, or will be. A study that is there is continued if the model, the keys, the seeds and
        the metric are the same; its trials count.
    identity
        Of the model with its data; by default of the model alone.
    """

    def __init__(self, plan: Plan, folder: Path, identity: str | None = None) -> None:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        assert isinstance(plan.options, Search)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.plan, self.options, self.optuna = plan, plan.options, optuna
        # Plain JSON, a line each: safe to read, and to append to by one process after another.
        self.study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))),
            study_name=_identity(plan, identity or plan.model_at({}).hash),
            direction=plan.settings.direction,
            load_if_exists=True,
        )

    @property
    def trials(self) -> dict[int, dict[str, Any]]:
        """What was asked for so far: number -> settings."""
        return {trial.number: self._values(trial.params) for trial in self.study.get_trials(deepcopy=False)}

    @property
    def messages(self) -> dict[int, str]:
        """Why trials have no value: number -> sentence."""
        notes = self.study.user_attrs.items()
        return {int(key.removeprefix(_MESSAGE)): str(text) for key, text in notes if key.startswith(_MESSAGE)}

    @property
    def unfinished(self) -> list[int]:
        """Trials whose result was never told, because the sweep was stopped or something failed: these come first."""
        states = self.optuna.trial.TrialState
        return [trial.number for trial in self.study.get_trials(deepcopy=False, states=(states.RUNNING,))]

    @property
    def more(self) -> int:
        """How many trials are left to ask for."""
        return max(0, self.options.trials - len(self.trials))

    def ask(self) -> tuple[int, dict[str, Any]]:
        """The next trial: number and settings."""
        optuna = self.optuna
        number = len(self.study.get_trials(deepcopy=False))
        # A sampler for each trial, so that a search that was interrupted goes on with the numbers it would have drawn.
        self.study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=self.options.startup,
            seed=int(stream(self.options.seed, "search", number).integers(2**32)),
            constant_liar=True,
        )
        trial = self.study.ask({key: _distribution(optuna, choice) for key, choice in self.plan.keys.items()})
        return trial.number, self._values(trial.params)

    def tell(self, number: int, value: float, message: str = "") -> None:
        """What came of a trial. One that is never told is asked for again when the search is continued.

        Parameters
        ----------
        number
            Of the trial.
        value
            Of the metric, the mean over the seeds. Not finite if learning diverged, which counts as worse than
            everything that did not, so that the search keeps away from it.
        message
            Why there is no value.
        """
        if math.isfinite(value):
            self.study.tell(number, value)
            return
        # Before, because a trial that is over has to have its message.
        self.study.set_user_attr(f"{_MESSAGE}{number}", message)
        self.study.tell(number, state=self.optuna.trial.TrialState.PRUNED)

    def _values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """As a model file has them, in the order of the plan."""
        found = {}
        for key, choice in self.plan.keys.items():
            if key in params:
                found[key] = choice.value(params[key]) if isinstance(choice, Range) else json.loads(params[key])
        return found


def _distribution(optuna: Any, choice: Choice) -> Any:
    if not isinstance(choice, Range):
        # As text, because a value may be a list or a table.
        return optuna.distributions.CategoricalDistribution([json.dumps(value) for value in choice])
    low, high = choice.bounds
    if choice.integer:
        return optuna.distributions.IntDistribution(round(low), round(high), log=choice.log)
    return optuna.distributions.FloatDistribution(low, high, log=choice.log)


def _identity(plan: Plan, model: str) -> str:
    """A name for all that the results of earlier trials depend on."""
    keys = {
        key: choice.model_dump(mode="json") if isinstance(choice, Range) else [toml_text(value) for value in choice]
        for key, choice in plan.keys.items()
    }
    metric = plan.settings.metric
    parts = [
        model,
        keys,
        list(plan.settings.seeds),
        metric.model_dump(mode="json") if metric is not None else None,
        plan.settings.direction,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
