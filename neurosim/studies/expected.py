"""Expected values for the models of a folder: rows of ``expected.toml``, one for each fact.

A row states a fact, the number to read from which runs, and the value it should have:

    [[expected]]
    fact = "Feedback that learns ends at least 10 degrees closer to the gradient than fixed feedback."
    model = "digits"                                # digits.toml beside this file
    variants = []                                   # of that model, applied one after the other
    overrides = []                                  # "section.key=value"
    seeds = [0, 1, 2]
    name = "layers.hidden1.signal_angle_deg"        # dotted path in summary.json; of a circuit "numbers.rate"; or:
    # history = "signal_angle_deg"                  # a variable of metrics.zarr,
    # layer = "hidden1"                             #   of a layer, if it has layers,
    # epoch = 10                                    #   in an epoch; [5, 10] is the mean over a range; or
    # over = "slope"                                #   last, min, max, mean, slope, first_below, first_above
    versus = { model = "digits_fa" }                # the same of another run: keys that differ
    relation = "difference"                         # this minus the other one; "ratio": divided by it
    high = -10                                      # or low, or both; or value with tolerance or relative_tolerance
    unit = "deg"
    source = "measured"                             # paper, authors' code, another implementation, derived, measured
    # origin = "Akrout et al. (2019)"               #   or recalled; and whose, where that does not say it

``slope`` is the slope in double logarithmic axes, with presentations along x, at points equally spaced in log x.
``first_below`` and ``first_above`` count presentations until ``level`` is reached, infinite if it never is. The mean
over the seeds counts, or with ``each_seed = true`` each of them; ``versus`` compares runs of the same seed. Long runs
have ``slow = true`` and the ``minutes`` they took. ``known_gap`` explains a row that is known to be missed; it counts
like any other. ``not_run`` explains a row that was never run; its minutes are an estimate.

(Over 300 lines: the format of a row is documented where it is read.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from neurosim import registry
from neurosim.errors import NeurosimError, UnknownNameError
from neurosim.model_files.checking import Faults, check_table, shown
from neurosim.model_files.circuits.circuit_file import CircuitFile, holds_circuit, load_circuit
from neurosim.model_files.model_file import Model, load
from neurosim.model_files.sections import read_toml
from neurosim.studies.availability import unavailable
from neurosim.studies.readings import Reading, complaints
from neurosim.studies.wording import absolute_text, compared_text, difference_unit
from neurosim.suggestions import did_you_mean

_FILE = "expected.toml"
#: Checked models by name, overrides and variants, which many rows share.
_Made = dict[tuple[str, tuple[str, ...], tuple[str, ...]], Model | CircuitFile]


class Row(Reading):
    """One row of ``expected.toml``: a reading, and the values it is compared with.

    Apart from the keys of a reading:

    Attributes
    ----------
    fact
        What is claimed, in a sentence.
    seeds, each_seed
        Seeds of the runs, and whether each of them has to meet the row, or their mean.
    versus, relation
        The reading that the number is compared with, and how.
    value, tolerance, relative_tolerance, low, high
        The expected value with its tolerance, in its unit or as a fraction of the value; or else inclusive bounds.
    unit
        Unit of the number; ``1`` for none.
    source, origin
        Where the expected value comes from: the authors' paper or code, ``another implementation``, or ``recalled`` if
        it was not looked up again.
        `origin` names the program or paper; it is required with ``another implementation``.
    slow, minutes
        Whether the row runs only on request, and how long all its runs take.
    known_gap, not_run
        Why the row is known to be missed, or was never run.
    """

    fact: str = Field(min_length=1)
    seeds: tuple[NonNegativeInt, ...] = Field(min_length=1)
    versus: Reading | None = None
    relation: Literal["difference", "ratio"] | None = None
    value: float | None = None
    tolerance: NonNegativeFloat | None = None
    relative_tolerance: NonNegativeFloat | None = None
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    source: Literal["paper", "authors' code", "another implementation", "derived", "measured", "recalled"]
    origin: str | None = Field(default=None, min_length=1)
    each_seed: bool = False
    slow: bool = False
    minutes: PositiveFloat | None = None
    known_gap: str | None = None
    not_run: str | None = None

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Readings of each seed: the number, and the one that it is compared with."""
        own = Reading.model_validate({key: getattr(self, key) for key in Reading.model_fields})
        return (own,) if self.versus is None else (own, _completed(self.versus, own))

    @property
    def expectation(self) -> str:
        """The expected value as text; beside another run, how far above or below it."""
        each, unit = "each " if self.each_seed else "", "" if self.unit == "1" else self.unit
        if self.relation is None:
            return each + absolute_text(self.low, self.high, self._middle(self.unit_text), unit)
        # A ratio has no unit, and of numbers a difference in percent is in points.
        after = "" if self.relation == "ratio" else f" {difference_unit(unit)}".rstrip()
        return each + compared_text(self.relation, self.low, self.high, self._middle(after), unit)

    def _middle(self, after: str) -> tuple[float, str] | None:
        """The expected value, and the rest of its text: tolerance and unit."""
        if self.value is None:
            return None
        if self.tolerance is not None:
            return self.value, f" ± {self.tolerance:g}{after}"
        return self.value, f"{after} ± {100 * (self.relative_tolerance or 0):g} % of it"

    @property
    def unit_text(self) -> str:
        """The unit as text after a number."""
        return "" if self.unit == "1" else f" {self.unit}"

    @property
    def source_text(self) -> str:
        """Source and origin as text."""
        return self.source if self.origin is None else f"{self.source}: {self.origin}"

    @property
    def bounds(self) -> tuple[float, float]:
        """Bounds of the number, both included."""
        if self.value is None:
            low, high = self.low, self.high
            return (-math.inf if low is None else low, math.inf if high is None else high)
        miss = self.tolerance if self.tolerance is not None else (self.relative_tolerance or 0) * abs(self.value)
        return self.value - miss, self.value + miss

    def met_by(self, number: float) -> bool:
        """Whether a number meets the row."""
        low, high = self.bounds
        return low <= number <= high


@dataclass(frozen=True)
class Claim:
    """A row with the checked models of its readings.

    Attributes
    ----------
    row
        The row of the file.
    readings
        One reading, or with ``versus`` two, each with its model.
    """

    row: Row
    readings: tuple[tuple[Reading, Model | CircuitFile], ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that run each model with each seed."""
        verbs = {m.name: "simulate" if isinstance(m, CircuitFile) else "run" for _, m in self.readings}
        return tuple(f"neurosim {verb} {name} --seed {seed}" for name, verb in verbs.items() for seed in self.row.seeds)


def load_expected(name: str | Path) -> tuple[Claim, ...]:
    """Read and check the rows of a folder of models, or those of one model in it.

    Parameters
    ----------
    name
        ``lansdell2020``, ``lansdell2020/digits``, or the path of a folder or of a model file in it.

    Raises
    ------
    UnknownNameError
        There is no such folder or model.
    ConfigError
        With all faults of all rows.
    DataError
        The file cannot be read.
    """
    path, only = expected_beside(name)
    table = read_toml(path)
    faults = Faults()
    for key in table:
        if key != "expected":
            faults.add(key, f"unknown table; {did_you_mean(key, ('expected',))}")
    rows = table.get("expected", [])
    if not isinstance(rows, list):
        faults.add("expected", f"got {shown(rows)}, expected an array of tables [[expected]]")
        rows = []
    made: _Made = {}
    claims = [_claim(row, f"expected.{number}", path.parent, made, faults) for number, row in enumerate(rows)]
    faults.raise_any(str(path))
    return tuple(claim for claim in claims if claim is not None and only in (None, claim.row.model))


def expected_beside(name: str | Path) -> tuple[Path, str | None]:
    """The ``expected.toml`` for a folder or a model, and the model if one is meant.

    Raises
    ------
    UnknownNameError
        There is no such folder or model.
    """
    folder, _, stem = str(name).partition("/")
    shipped = [*registry.models(), *registry.circuits()]
    if isinstance(name, str) and name in shipped:
        return registry.expected_path(folder), stem
    if isinstance(name, str) and any(model.startswith(f"{name}/") for model in shipped):
        return registry.expected_path(name), None
    path = Path(name)
    if path.is_dir():
        return path / _FILE, None
    if path.is_file():
        return path.parent / _FILE, path.stem
    known = sorted({model.partition("/")[0] for model in shipped} | set(shipped))
    raise UnknownNameError(registry.unknown("folder of models, or model,", str(name), known))


def _claim(table: Any, path: str, folder: Path, made: _Made, faults: Faults) -> Claim | None:
    row = check_table(Row, table, path, faults)
    if row is None:
        return None
    before = len(faults.listed)
    for key, sentence in [*complaints(row.readings[0]), *_complaints(row)]:
        faults.add(f"{path}.{key}", sentence)
    if row.versus is not None:
        for key, sentence in complaints(row.readings[1]):
            faults.add(f"{path}.versus.{key}", sentence)
    if len(faults.listed) > before:
        return None
    readings = []
    for reading, where in zip(row.readings, (path, f"{path}.versus"), strict=False):
        model = _model(reading, where, folder, made, faults)
        if model is None:
            return None
        if (fault := unavailable(reading, model)) is not None:
            faults.add(f"{where}.{fault[0]}", fault[1])
        readings.append((reading, model))
    return Claim(row, tuple(readings))


def _model(reading: Reading, path: str, folder: Path, made: _Made, faults: Faults) -> Model | CircuitFile | None:
    known = [file.stem for file in folder.glob("*.toml") if not file.name.endswith(_FILE)]
    if reading.model not in known:
        hint = did_you_mean(reading.model, known)
        faults.add(f"{path}.model", f"got '{reading.model}', expected a model beside this file; {hint}")
        return None
    file, shipped = folder / f"{reading.model}.toml", f"{folder.name}/{reading.model}"
    circuit = holds_circuit(file)
    checked = registry.circuits() if circuit else registry.models()
    at = registry.circuit_path if circuit else registry.model_path
    own = shipped in checked and at(shipped).parent == folder
    settings = (reading.model, tuple(reading.overrides), tuple(reading.variants))
    try:
        if settings not in made:
            name = shipped if own else file
            made[settings] = (load_circuit if circuit else load)(name, reading.overrides, reading.variants)
        return made[settings]
    except UnknownNameError as error:
        faults.add(f"{path}.variants", str(error))
    except NeurosimError as error:
        faults.add(f"{path}.model", str(error).replace("\n", "\n  "))
    return None


def _complaints(row: Row) -> list[tuple[str, str]]:
    """Faults of keys that do not go together: key and sentence."""
    faults = []
    if (row.versus is None) != (row.relation is None):
        faults.append(("relation", "expected together with versus, as 'difference' or 'ratio'"))
    bounded = row.low is not None or row.high is not None
    tolerances = sum(tolerance is not None for tolerance in (row.tolerance, row.relative_tolerance))
    if (row.value is not None) == bounded:
        faults.append(("value", "expected either value with a tolerance, or low or high or both"))
    elif tolerances != (row.value is not None):
        faults.append(("tolerance", "expected with value either tolerance or relative_tolerance, and only there"))
    if row.low is not None and row.high is not None and row.low > row.high:
        faults.append(("low", f"got {row.low:g}, expected at most high, which is {row.high:g}"))
    if row.source == "another implementation" and row.origin is None:
        faults.append(("origin", "missing, expected whose implementation it is"))
    if row.slow and row.minutes is None:
        faults.append(("minutes", "missing, expected how long the runs of a slow row take"))
    if len(set(row.seeds)) < len(row.seeds):
        faults.append(("seeds", f"got {list(row.seeds)}, expected each seed once"))
    return faults


def _completed(versus: Reading, own: Reading) -> Reading:
    """The reading to compare with: its own keys, completed by those of the first that they do not exclude."""
    given: Mapping[str, Any] = {key: getattr(versus, key) for key in versus.model_fields_set}
    ruled_out: set[str] = set()
    if "name" in given:
        ruled_out |= {"history", "layer", "epoch", "over", "level"}
    if "history" in given:
        ruled_out.add("name")
    if "epoch" in given:
        ruled_out |= {"over", "level"}
    if "over" in given:
        ruled_out |= {"epoch", "level"}
    kept = {key: getattr(own, key) for key in Reading.model_fields if key not in ruled_out}
    return Reading.model_validate({**kept, **given})
