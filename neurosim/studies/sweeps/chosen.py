"""The configurations that a sweep runs: listed in its file, or proposed by a search."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.model_files.model_file import Model
from neurosim.runs.data_identity import Identified
from neurosim.studies.collection import Attempt, finished, key_of
from neurosim.studies.sweeps.crew import Runs
from neurosim.studies.sweeps.plan import Configuration, SweepPlan
from neurosim.studies.sweeps.results import Trial, metric_of
from neurosim.studies.sweeps.search import Study


class ListedPoints:
    """Configurations that the file lists."""

    def __init__(self, plan: SweepPlan) -> None:
        identified = Identified()
        configurations = tuple(replace(each, model=identified(each.model)) for each in plan.configurations)
        self.plan, self.count, self.asked = replace(plan, configurations=configurations), len(configurations), False

    @property
    def more(self) -> bool:
        """Whether there are configurations left to ask for."""
        return not self.asked

    def ask(self, crew: Runs) -> Iterator[Configuration]:
        """The configurations to run now: all of them."""
        if not self.asked:
            self.asked = True
            yield from self.plan.configurations

    def tell(self, crew: Runs) -> None:
        """Ignore the results: the configurations do not depend on them."""

    def trials(self, crew: Runs) -> list[Trial]:
        """All configurations with their results."""
        return [
            Trial(each.values, _attempts(self.plan, each.model, crew), "", _seconds(self.plan, each.model, crew))
            for each in self.plan.configurations
        ]


class Searched:
    """Configurations that the study proposes, a few at a time."""

    def __init__(self, plan: SweepPlan, root: Path) -> None:
        self.identified = Identified()
        self.plan, self.study = plan, Study(plan, root, self.identified(plan.model_at({})).identity)
        self.count = max(self.study.options.trials, len(self.study.trials))
        self.again = self.study.unfinished
        self.open: dict[int, Configuration] = {}

    @property
    def more(self) -> bool:
        """Whether there are trials left to ask for."""
        return bool(self.again or self.study.more)

    def ask(self, crew: Runs) -> Iterator[Configuration]:
        """The next trials, as many as keep all workers busy."""
        while len(self.open) < max(1, math.ceil(crew.size / len(self.plan.settings.seeds))):
            if self.again:
                number = self.again.pop(0)
                values = self.study.trials[number]
            elif self.study.more:
                number, values = self.study.ask()
            else:
                return
            try:
                self.open[number] = Configuration(values, self.identified(self.plan.model_at(values)))
            except NeurosimError as error:
                # Each end of a range fits, yet a combination may not.
                self.study.tell(number, math.nan, str(error))
                continue
            yield self.open[number]

    def tell(self, crew: Runs) -> None:
        """Report finished trials to the study."""
        for number, configuration in list(self.open.items()):
            attempts = _attempts(self.plan, configuration.model, crew)
            if len(attempts) < len(self.plan.settings.seeds):
                continue
            del self.open[number]
            values = [metric_of(self.plan.settings.metric, attempt) for attempt in attempts.values()]
            wrong = [attempt for attempt in attempts.values() if attempt.run is None]
            if all(attempt.diverged for attempt in wrong):
                # If one seed diverges, the mean is NaN.
                self.study.tell(number, float(np.mean(values)), wrong[0].message if wrong else "the metric is none")

    def trials(self, crew: Runs) -> list[Trial]:
        """All trials, including those of earlier starts."""
        messages, trials = self.study.messages, []
        for number, values in self.study.trials.items():
            try:
                model = self.identified(self.plan.model_at(values))
            except NeurosimError as error:
                trials.append(Trial(values, {}, str(error)))
                continue
            attempts = _attempts(self.plan, model, crew)
            for seed in self.plan.settings.seeds:
                if seed not in attempts and (before := finished(model, seed, crew.root)) is not None:
                    attempts[seed] = before
            trials.append(Trial(values, attempts, messages.get(number, ""), _seconds(self.plan, model, crew)))
        return trials


def _attempts(plan: SweepPlan, model: Model, crew: Runs) -> dict[int, Attempt]:
    keys = {seed: key_of(model, seed) for seed in plan.settings.seeds}
    return {seed: crew.attempts[key] for seed, key in keys.items() if key in crew.attempts}


def _seconds(plan: SweepPlan, model: Model, crew: Runs) -> dict[int, float]:
    keys = {seed: key_of(model, seed) for seed in plan.settings.seeds}
    return {seed: crew.seconds[key] for seed, key in keys.items() if key in crew.seconds}
