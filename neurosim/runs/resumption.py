"""Resuming an interrupted run, and the last checkpoint of one that stops."""

from __future__ import annotations

from typing import Any

from neurosim.engines._engine import Engine
from neurosim.engines.state import State, initial_state
from neurosim.errors import DataError, NeurosimError
from neurosim.model_files.model_file import Model
from neurosim.runs.checkpoints import Checkpoints
from neurosim.runs.claimed_folder import ClaimedFolder
from neurosim.runs.log import Log
from neurosim.runs.recorder import TrainingRecorder
from neurosim.training.progress import Progress


def going_on(
    place: ClaimedFolder,
    checkpoints: Checkpoints,
    recorder: TrainingRecorder | None,
    model: Model,
    engine: Engine,
    seed: int,
    log: Log,
    progress: Any,
) -> Progress | None:
    """The progress that training resumes from, with its recording; ``None`` to start anew."""
    first = initial_state(engine.circuit, seed, dtype=engine.setting.dtype) if not model.probe_kind else {}
    if not place.begun:
        if recorder is not None:
            recorder.begin(first)
        return None

    def say(text: str) -> None:
        log.line(text)
        if progress is not None:
            progress.note(text)

    start = None if model.probe_kind else checkpoints.newest(first, say)
    why = "probes have no checkpoints" if model.probe_kind else "there is no whole checkpoint"
    if recorder is not None:
        start, damage = _recorded(recorder, start, checkpoints, first)
        why = damage or why
    place.resumed(start.presentations if start else 0)
    if start is None:
        say(f"begun anew: {why}")
        return None
    say(f"goes on after {start.epoch} epochs and {start.presentations} presentations")
    for version in place.other_versions():
        say(f"the run was begun with {version}: its last bits may be others than in one go")
    if progress is not None and start.reports:
        progress.epoch(start.reports[-1])
    return start


def _recorded(
    recorder: TrainingRecorder, start: Progress | None, checkpoints: Checkpoints, first: State
) -> tuple[Progress | None, str]:
    """The progress that training resumes from; ``None``, and why, if the recording up to it is not intact."""
    damage = ""
    if start is not None:
        try:
            recorder.resume(start)
            return start, ""
        except DataError as error:
            damage = str(error)
            checkpoints.forget()
    recorder.begin(first)
    return None, damage


def kept_checkpoint(checkpoints: Checkpoints) -> str:
    """Store a checkpoint of a run that stops; a clause for the message."""
    try:
        checkpoints.save()
    except (NeurosimError, MemoryError) as error:
        return f"; no checkpoint could be written ({error})"
    saved = checkpoints.saved
    return f"; the checkpoint after {saved.presentations} presentations is kept" if saved is not None else ""
