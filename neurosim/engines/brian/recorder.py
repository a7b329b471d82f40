"""Recordings at every step, and reports at the ends of phases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import brian2
import numpy as np

from neurosim.engines.brian.names import MONITOR
from neurosim.engines.brian.objects import Objects


class Recorder:
    """Monitors of one run.

    Attributes
    ----------
    monitors
        Variable -> monitor that a Network holds.
    reports
        Variable -> monitor that is run by hand at the ends of phases.
    """

    def __init__(self, objects: Objects, record: Sequence[str], report: Sequence[str]) -> None:
        self.objects = objects
        self.monitors = {name: self._course_monitor(name) for name in record}
        self.reports = {name: self._state_monitor(name, "report", "start", 0) for name in report}

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

    def courses(self, steps: int, trials: int, dt: float, *, begin: int = 0) -> dict[str, np.ndarray]:
        """Recordings: ``(step, trial, neuron)``, with `steps` a presentation, the first of which is number `begin`."""
        found = {}
        for name, monitor in self.monitors.items():
            size = len(self.objects.groups[name.split(".")[0]])
            if name.endswith(".spikes"):
                course = np.zeros((steps * trials, size), dtype=bool)
                when = np.round(np.asarray(monitor.t / brian2.second) / dt).astype(int) - begin
                course[when, np.asarray(monitor.i)] = True
            else:
                course = np.broadcast_to(_values(monitor).reshape(steps * trials, -1), (steps * trials, size))
            found[name] = np.moveaxis(course.reshape(trials, steps, size), 0, 1)
        return found

    def _course_monitor(self, name: str) -> Any:
        population, variable = name.split(".")
        if variable == "spikes":
            return brian2.SpikeMonitor(self.objects.groups[population], name=f"{population}__spikes_recording")
        return self._state_monitor(name, "recording", "groups", MONITOR)

    def _state_monitor(self, name: str, purpose: str, when: str, order: int) -> Any:
        population, _, variable = name.rpartition(".")
        group, clock = self.objects.group(population), self.objects.clock
        label = f"{name.replace('.', '__')}_{purpose}"
        return brian2.StateMonitor(group, variable, record=True, clock=clock, when=when, order=order, name=label)


def _values(monitor: Any) -> np.ndarray:
    return np.array(monitor.variables[monitor.record_variables[0]].get_value())
