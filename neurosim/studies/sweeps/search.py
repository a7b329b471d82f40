"""Search with Optuna. The study is stored in the sweep's folder, so that it can be continued."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosim.model_files.search_keys import Choice, Range, toml_text
from neurosim.random import stream
from neurosim.studies.sweeps.plan import SweepPlan
from neurosim.studies.sweeps.points import Search

JOURNAL = "search.journal"
_MESSAGE = "message of trial "


class Study:
    """An Optuna study of a sweep. Trials are numbered from 0.

    Parameters
    ----------
    plan
        The plan of a search.
    folder
        The folder of its journal. An existing study is continued if model, keys, seeds and metric are the same; its
        trials count.
    identity
        Identity of the model with its data; by default of the model alone.
    """

    def __init__(self, plan: SweepPlan, folder: Path, identity: str | None = None) -> None:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        assert isinstance(plan.options, Search)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.plan, self.options, self.optuna = plan, plan.options, optuna
        # JSON lines: safe to read, and processes can append in turn.
        self.study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))),
            study_name=_identity(plan, identity or plan.model_at({}).hash),
            direction=plan.settings.direction,
            load_if_exists=True,
        )

    @property
    def trials(self) -> dict[int, dict[str, Any]]:
        """The trials so far: number -> settings."""
        return {trial.number: self._values(trial.params) for trial in self.study.get_trials(deepcopy=False)}

    @property
    def messages(self) -> dict[int, str]:
        """Reasons for trials without value: number -> sentence."""
        notes = self.study.user_attrs.items()
        return {int(key.removeprefix(_MESSAGE)): str(text) for key, text in notes if key.startswith(_MESSAGE)}

    @property
    def unfinished(self) -> list[int]:
        """Trials without a reported result, since the sweep stopped or something failed; they come first."""
        states = self.optuna.trial.TrialState
        return [trial.number for trial in self.study.get_trials(deepcopy=False, states=(states.RUNNING,))]

    @property
    def more(self) -> int:
        """Number of trials left to ask for."""
        return max(0, self.options.trials - len(self.trials))

    def ask(self) -> tuple[int, dict[str, Any]]:
        """The next trial: number and settings."""
        optuna = self.optuna
        number = len(self.study.get_trials(deepcopy=False))
        # One sampler per trial, so that a continued search draws the same numbers as an uninterrupted one.
        self.study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=self.options.startup,
            seed=int(stream(self.options.seed, "search", number).integers(2**32)),
            constant_liar=True,
        )
        trial = self.study.ask({key: _distribution(optuna, choice) for key, choice in self.plan.keys.items()})
        return trial.number, self._values(trial.params)

    def tell(self, number: int, value: float, message: str = "") -> None:
        """Report the result of a trial. A trial without report is repeated when the search is continued.

        Parameters
        ----------
        number
            Number of the trial.
        value
            The metric, averaged over the seeds. If learning diverged it is not finite; that counts as worse than any
            finite value, so that the search avoids it.
        message
            Why there is no value.
        """
        if math.isfinite(value):
            self.study.tell(number, value)
            return
        # The message comes first, so that no finished trial lacks it.
        self.study.set_user_attr(f"{_MESSAGE}{number}", message)
        self.study.tell(number, state=self.optuna.trial.TrialState.PRUNED)

    def _values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Settings as in a model file, in the order of the plan."""
        settings = {}
        for key, choice in self.plan.keys.items():
            if key in params:
                settings[key] = choice.value(params[key]) if isinstance(choice, Range) else json.loads(params[key])
        return settings


def _distribution(optuna: Any, choice: Choice) -> Any:
    if not isinstance(choice, Range):
        # As text, since a value may be a list or a table.
        return optuna.distributions.CategoricalDistribution([json.dumps(value) for value in choice])
    low, high = choice.bounds
    if choice.integer:
        return optuna.distributions.IntDistribution(round(low), round(high), log=choice.log)
    return optuna.distributions.FloatDistribution(low, high, log=choice.log)


def _identity(plan: SweepPlan, model: str) -> str:
    """A hash of everything that earlier trials' results depend on."""
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
