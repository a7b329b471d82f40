"""Recordings within a run, and reports at the ends of phases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import brian2
import numpy as np

from neurosim.engines.brian.names import MONITOR
from neurosim.engines.brian.objects import Objects
from neurosim.engines.records import Record, is_synaptic, size_of


class Recorder:
    """Monitors of one run.

    Parameters
    ----------
    begin, steps
        The number of a presentation's first step, and how many it has.

    Attributes
    ----------
    monitors
        Text -> monitor that a Network holds.
    samplers
        Text -> what takes sums, weights and variables at some steps only; a Network holds it, too.
    reports
        Variable -> monitor that is run by hand at the ends of phases.
    """

    def __init__(
        self, objects: Objects, record: Sequence[Record], report: Sequence[str], *, begin: int, steps: int
    ) -> None:
        self.objects, self.begin, self.steps = objects, begin, steps
        self.records = {one.text: one for one in record}
        self.monitors: dict[str, Any] = {}
        self.samplers: dict[str, Sampler] = {}
        spikes: dict[str, Any] = {}
        times = Counter[str]()
        for number, one in enumerate(record):
            if one.spikes:
                if one.name not in spikes:
                    spikes[one.name] = self._spike_monitor(one.name)
                self.monitors[one.text] = spikes[one.name]
            elif one.every == 1 and not one.over and not is_synaptic(objects.circuit, one.name):
                self.monitors[one.text] = self._course_monitor(one, f"recording{times[one.name] or ''}")
                times[one.name] += 1
            else:
                self.samplers[one.text] = self._sampler(one, number)
        self.reports = {name: self._state_monitor(name, "report", "start", 0) for name in report}

    def everything(self) -> list[Any]:
        """All objects that a Network has to hold."""
        return [*dict.fromkeys(self.monitors.values()), *self.samplers.values()]

    def report(self) -> None:
        """Take all reported variables as they are now."""
        for monitor in self.reports.values():
            monitor.run()

    def ends(self, phases: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
        """Reports by phase: ``(trial, neuron)``."""
        return {
            phase: {name: _values(monitor)[number :: len(phases)] for name, monitor in self.reports.items()}
            for number, phase in enumerate(phases)
        }

    def courses(self, trials: int, dt: float) -> dict[str, np.ndarray]:
        """Recordings by their text: ``(sample, trial, place)``."""
        courses = {}
        for text, one in self.records.items():
            if one.spikes:
                course = self._spikes(one, trials, dt)
            elif text in self.monitors:
                places = one.width(size_of(self.objects.circuit, one.name))
                rows = _values(self.monitors[text]).reshape(self.steps * trials, -1)
                course = np.broadcast_to(rows, (self.steps * trials, places))
            else:
                course = np.stack(self.samplers[text].taken) if self.samplers[text].taken else np.zeros((0, 1))
            courses[text] = np.moveaxis(course.reshape(trials, -1, course.shape[-1]), 0, 1)
        return courses

    def _spikes(self, one: Record, trials: int, dt: float) -> np.ndarray:
        """Whether each chosen neuron spikes in each step, or how many do."""
        monitor, size = self.monitors[one.text], size_of(self.objects.circuit, one.name)
        when = np.round(np.asarray(monitor.t / brian2.second) / dt).astype(int) - self.begin
        who, steps = np.asarray(monitor.i), self.steps * trials
        if one.over:
            chosen = np.isin(who, one.places(size))
            count = np.bincount(when[chosen], minlength=steps).astype(float)[:, None]
            return count / len(one.places(size)) if one.over == "mean" else count
        course = np.zeros((steps, size), dtype=bool)
        course[when, who] = True
        return course[:, one.slice]

    def _spike_monitor(self, name: str) -> Any:
        population = name.split(".")[0]
        return brian2.SpikeMonitor(self.objects.groups[population], name=f"{population}__spikes_recording")

    def _course_monitor(self, one: Record, purpose: str) -> Any:
        """A monitor of some neurons at every step."""
        chosen: Any = True
        if one.chosen and one.name.rpartition(".")[0]:
            chosen = one.places(size_of(self.objects.circuit, one.name))
        return self._state_monitor(one.name, purpose, "groups", MONITOR, chosen)

    def _sampler(self, one: Record, number: int) -> Sampler:
        """Takes a sum, weights, or a variable at some steps only."""
        owner, _, variable = one.name.rpartition(".")
        if is_synaptic(self.objects.circuit, one.name):

            def read() -> np.ndarray:
                return self.objects.get_synaptic(owner, variable).reshape(-1)

            return Sampler(self.objects.clock, one, read, (self.begin, self.steps), number)
        monitor = self._state_monitor(one.name, f"sample{number}", "groups", MONITOR)
        size = size_of(self.objects.circuit, one.name)

        def sample() -> np.ndarray:
            monitor.run()
            row = np.broadcast_to(_values(monitor)[-1], (size,)).copy()
            # Samples that have been read are discarded; otherwise the monitor of all neurons would grow.
            monitor.resize(0)
            return row

        return Sampler(self.objects.clock, one, sample, (self.begin, self.steps), number, monitor)

    def _state_monitor(self, name: str, purpose: str, when: str, order: int, chosen: Any = True) -> Any:
        population, _, variable = name.rpartition(".")
        group, clock = self.objects.group(population), self.objects.clock
        label = f"{name.replace('.', '__')}_{purpose}"
        return brian2.StateMonitor(group, variable, record=chosen, clock=clock, when=when, order=order, name=label)


class Sampler(brian2.BrianObject):  # type: ignore[misc]
    """Takes what is to be recorded at the steps that have a sample.

    Parameters
    ----------
    read
        Gives the variable of all neurons or synapses as it is now.
    span
        The number of a presentation's first step, and how many it has.
    monitor
        What `read` needs to be compiled first.

    Attributes
    ----------
    taken
        The samples of all presentations, one after the other.
    """

    add_to_magic_network = False

    def __init__(
        self,
        clock: Any,
        record: Record,
        read: Callable[[], np.ndarray],
        span: tuple[int, int],
        number: int,
        monitor: Any = None,
    ) -> None:
        super().__init__(clock=clock, when="groups", order=MONITOR, name=f"neurosim_sampler_{number}")
        self.record, self.read, self.span, self.monitor = record, read, span, monitor
        self.done = 0
        self.taken: list[np.ndarray] = []

    def before_run(self, run_namespace: Any) -> None:
        """Compile what reads the variable."""
        if self.monitor is not None:
            self.monitor.before_run(run_namespace)

    def run(self) -> None:
        """Called by the Network at every step."""
        begin, steps = self.span
        step = begin + self.done % steps
        self.done += 1
        if step % self.record.every == 0:
            chosen = self.read()[self.record.slice]
            if self.record.over:
                chosen = np.sum(chosen, keepdims=True) / (len(chosen) if self.record.over == "mean" else 1)
            self.taken.append(chosen.copy())


def _values(monitor: Any) -> np.ndarray:
    return np.array(monitor.variables[monitor.record_variables[0]].get_value())
