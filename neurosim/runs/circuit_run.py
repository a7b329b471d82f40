"""Simulate a circuit file with one seed, and write the folder of a run: its numbers, and where they come from."""

from __future__ import annotations

import time
from pathlib import Path

import tomli_w

from neurosim.atomic import write_file, writing
from neurosim.model_files.circuits.circuit_file import CircuitFile
from neurosim.runs import folder as files
from neurosim.runs.data_identity import arrays_read
from neurosim.runs.lock import locked
from neurosim.runs.run_result import Run, write_checksums


def simulate_run(circuit: CircuitFile, *, seed: int, out: Path) -> Run:
    """Simulate a circuit as its file says, but with this seed, and measure its numbers.

    Parameters
    ----------
    circuit
        What to simulate.
    seed
        Random seed of weights, initial values and noise, in place of the file's.
    out
        The run folder: ``config.toml``, ``provenance.json``, an empty ``metrics.zarr``, ``checksums.json`` and, last,
        ``summary.json`` with the table ``numbers``. What was recorded is not kept.

    Raises
    ------
    ConfigError, DataError
        The folder is in use, cannot be written, a number cannot be measured, or an array in a file changed meanwhile.
    NumericalError
        A variable stops being finite.
    """
    import xarray

    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        write_file(out / files.CONFIG, tomli_w.dumps(circuit.resolve()))
        read = arrays_read(circuit.resolve())
        files.write_json(out / files.PROVENANCE, files.provenance(seed, circuit.hash) | {"data": read})
        began = time.perf_counter()
        numbers = circuit.measure(circuit.simulate(seed=seed))
        circuit.refuse_changed()
        summary = {
            "model": circuit.name,
            "title": circuit.about.title,
            "engine": circuit.simulation.engine,
            "seed": seed,
            "config_hash": circuit.hash,
            "numbers": numbers,
            "wall_s": round(time.perf_counter() - began, 3),
        }
        files.write_dataset(out / files.METRICS, xarray.Dataset())
        content = files.json_bytes(summary)
        write_checksums(out, content)
        write_file(out / files.SUMMARY, content)
    return Run(out, summary, xarray.Dataset(), {})
