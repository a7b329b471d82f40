"""The standard set of figures: of a run folder, or of a recording's store."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from neurosim.atomic import writing
from neurosim.circuit.undisturbed import undisturbed
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import DataError
from neurosim.experiments import folder as files
from neurosim.experiments.engine import make_engine
from neurosim.experiments.finished import Run, draw, open_run, write_checksums
from neurosim.experiments.model_file import Model, load
from neurosim.plots.figures import save_circuit_figures, save_map_figure, save_recording_figures
from neurosim.recording.store import open_recording


def draw_all(source: str | Path) -> list[Path]:
    """Draw what there is to see, into ``figures/`` of a run folder, or beside a recording into ``<name>-figures``.

    Of a run: learning curves, alignment by layer, the circuit, feedback weights against those they should be; of
    convolutions their kernels, and maps of some images that are held out, if the data are there; of one that measured,
    its curves; of a recording, in a run folder or by itself, raster and traces.

    Raises
    ------
    DataError
        Neither a finished run nor a recording, or a damaged one.
    """
    path = Path(source)
    if (path / ".zgroup").is_file():
        target = path.with_name(path.name.removesuffix(".zarr") + "-figures")
        with writing(target):
            return save_recording_figures(open_recording(path), target)
    run = open_run(path, figures=False)
    try:
        written = _of_run(run, path)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise DataError(f"{path}: this run cannot be drawn ({type(error).__name__}: {error})") from error
    if (path / files.CHECKSUMS).is_file():
        write_checksums(path)
    return written


# Images whose maps are drawn.
_IMAGES = 4


def _of_run(run: Run, path: Path) -> list[Path]:
    written = draw(run)
    title = str(run.summary.get("title") or run.summary.get("model", ""))
    figures = path / files.FIGURES
    if run.state:
        model = load(path / files.CONFIG)
        with writing(figures):
            written += save_circuit_figures(model.circuit, run.state, figures, title=title)
            written += _feature_maps(model, run, figures, title)
    if (path / files.RECORDING).is_dir():
        with writing(figures):
            written += save_recording_figures(open_recording(path / files.RECORDING), figures, title=title)
    return written


def _feature_maps(model: Model, run: Run, figures: Path, title: str) -> list[Path]:
    """Maps of the first images that were not learned from, where the circuit has any and the data are there."""
    circuit = undisturbed(model.circuit)
    layers = [p.name for p in circuit.populations if p.shape is not None and "output" in p.neuron.ports]
    if len(layers) < 2:
        return []
    try:
        task = model.load_task(seed=int(run.summary["seed"]))
    except DataError as error:
        warnings.warn(f"no feature maps: {error}", stacklevel=2)
        return []
    split = task.validation if len(task.validation) else task.test
    names = {layer: f"{layer}.{circuit.population[layer].neuron.ports['output']}" for layer in layers}
    engine = make_engine(model.engine, circuit)
    phase = circuit.phases[0].name
    given = stimuli_of(circuit, split, slice(0, _IMAGES))
    asked = [name for layer, name in names.items() if name not in given]
    _, outputs = engine.run(run.state, given, report=asked, learn=False, phases=(phase,))
    shown = {layer: np.asarray(given.get(name, outputs.ends[phase].get(name))) for layer, name in names.items()}
    return save_map_figure(circuit, shown, figures, title=title)
