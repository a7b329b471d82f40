"""The standard set of figures: of a run folder, or of a recording's store."""

from __future__ import annotations

from pathlib import Path

from neurosim.atomic import writing
from neurosim.errors import DataError
from neurosim.experiments import folder as files
from neurosim.experiments.finished import Run, draw, open_run, write_checksums
from neurosim.experiments.integrity import read_recording
from neurosim.experiments.model_file import load
from neurosim.plots.figures import save_circuit_figures, save_recording_figures


def draw_all(source: str | Path) -> list[Path]:
    """Draw what there is to see, into ``figures/`` of a run folder, or beside a recording into ``<name>-figures``.

    Of a run: learning curves, alignment by layer, the circuit, feedback weights against those they should be; of one
    that measured, its curves; of a recording, in a run folder or by itself, raster and traces.

    Raises
    ------
    DataError
        Neither a finished run nor a recording, or a damaged one.
    """
    path = Path(source)
    if (path / ".zgroup").is_file():
        target = path.with_name(path.name.removesuffix(".zarr") + "-figures")
        with writing(target):
            return save_recording_figures(read_recording(path), target)
    run = open_run(path, figures=False)
    try:
        written = _of_run(run, path)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise DataError(f"{path}: this run cannot be drawn ({type(error).__name__}: {error})") from error
    if (path / files.CHECKSUMS).is_file():
        write_checksums(path)
    return written


def _of_run(run: Run, path: Path) -> list[Path]:
    written = draw(run)
    title = str(run.summary.get("title") or run.summary.get("model", ""))
    figures = path / files.FIGURES
    if run.state:
        model = load(path / files.CONFIG)
        with writing(figures):
            written += save_circuit_figures(model.circuit, run.state, figures, title=title)
    if (path / files.RECORDING).is_dir():
        with writing(figures):
            written += save_recording_figures(read_recording(path / files.RECORDING), figures, title=title)
    return written
