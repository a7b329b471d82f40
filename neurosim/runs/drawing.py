"""The standard figures of a run folder or of a recording."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from neurosim.atomic import refuse_link, writing
from neurosim.border import PATH, public
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.noiseless import undisturbed
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import DataError, NeurosimError, NeurosimWarning
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import Model, load
from neurosim.plots.figures import save_circuit_figures, save_map_figure, save_recording_figures
from neurosim.recording.store import is_store, open_recording
from neurosim.runs import folder as files
from neurosim.runs.planes import save_planes
from neurosim.runs.prediction import circuit_of
from neurosim.runs.run_result import Run, draw, open_run, write_checksums


@public(source=PATH)
def draw_all(source: str | Path, say: Callable[[str], None] | None = None) -> list[Path]:
    """Draw all standard figures: into ``figures/`` of a run folder, or beside a recording into ``<name>-figures``.

    A trained run: learning curves, alignment by layer, the circuit, feedback weights against their ideal; with
    convolutions also kernels, and feature maps of held-out images if the data are there. A probe: its curves, or the
    plane in which its loops or weights move. A recording, by itself or in a run folder: raster and traces.

    Parameters
    ----------
    source
        A run folder or the Zarr store of a recording.
    say
        Receives a sentence about each figure that cannot be drawn; by default a warning.

    Raises
    ------
    DataError
        Neither a finished run nor a recording, or a damaged one.
    """
    path = Path(source)
    if is_store(path):
        target = path.parent / f"{path.name.removesuffix('.zarr') or 'recording'}-figures"
        refuse_link(target)
        with writing(target), _of_strangers(path, "recording"):
            return save_recording_figures(open_recording(path), target)
    run = open_run(path, figures=False)
    with _of_strangers(path, "run"):
        written = _of_run(run, path, say or _warn)
    if (path / files.CHECKSUMS).is_file():
        write_checksums(path)
    return written


@contextlib.contextmanager
def _of_strangers(path: Path, kind: str) -> Iterator[None]:
    """Report failures that the content of a stranger's file causes, such as text for a number, as a `DataError`."""
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, NeurosimError) as error:
        # Errors of ours already say what is wrong with the file.
        if isinstance(error, NeurosimError) and not error.translated:
            raise
        cause = error.__cause__ or error
        why = " ".join(str(cause).split())[:300]
        raise DataError(f"{path}: this {kind} cannot be drawn ({type(cause).__name__}: {why})") from error


# Number of images whose feature maps are drawn.
_IMAGES = 4


def _warn(text: str) -> None:
    warnings.warn(text, NeurosimWarning, stacklevel=4)


def _of_run(run: Run, path: Path, say: Callable[[str], None]) -> list[Path]:
    written = draw(run)
    title = str(run.summary.get("title") or run.summary.get("model", ""))
    figures = path / files.FIGURES
    if run.state:
        model = load(path / files.CONFIG)
        try:
            circuit = circuit_of(path, model)
        except DataError as error:
            say(f"no figures of the circuit and its weights, which need the data: {error}")
        else:
            with writing(figures):
                written += save_circuit_figures(circuit, run.state, figures, title=title)
                written += _feature_maps(circuit, model, run, figures, title, say)
    if "probe" in run.summary:
        written += _of_probe(run, path, bool(written), say)
    if (path / files.RECORDING).is_dir():
        with writing(figures):
            written += save_recording_figures(open_recording(path / files.RECORDING), figures, title=title)
    return written


def _of_probe(run: Run, path: Path, drawn: bool, say: Callable[[str], None]) -> list[Path]:
    """The plane of a probe's loops or weights; a sentence where there is nothing to draw."""
    model = load(path / files.CONFIG)
    try:
        with writing(path / files.FIGURES):
            written, why = save_planes(model, circuit_of(path, model), int(run.summary["seed"]), path / files.FIGURES)
    except DataError as error:
        written, why = [], f"it needs the data ({error})"
    if not (written or drawn):
        kept = f"; its results are the {len(run.summary['probe'])} numbers of {files.SUMMARY}"
        say(f"no figure: the probe '{model.probe_kind}' leaves no curves{f', and {why}' if why else ''}{kept}")
    return written


def _feature_maps(
    whole: Circuit, model: Model, run: Run, figures: Path, title: str, say: Callable[[str], None]
) -> list[Path]:
    """Feature maps of the first held-out images, if the circuit has convolutions and the data are there."""
    circuit = undisturbed(whole)
    layers = [p.name for p in circuit.populations if p.shape is not None and "output" in p.neuron.ports]
    if len(layers) < 2:
        return []
    try:
        task = model.load_task(seed=int(run.summary["seed"]))
    except DataError as error:
        say(f"no feature maps, which need the data: {error}")
        return []
    split = task.validation if len(task.validation) else task.test
    names = {layer: f"{layer}.{circuit.population[layer].neuron.ports['output']}" for layer in layers}
    engine = make_engine(model.engine, circuit)
    phase = circuit.phases[0].name
    given = stimuli_of(circuit, split, slice(0, _IMAGES), dt=engine.setting.dt, phases=(phase,))
    asked = [name for layer, name in names.items() if name not in given]
    _, outputs = engine.run(run.state, given, report=asked, learn=False, phases=(phase,))
    shown = {layer: np.asarray(given.get(name, outputs.ends[phase].get(name))) for layer, name in names.items()}
    return save_map_figure(circuit, shown, figures, title=title)
