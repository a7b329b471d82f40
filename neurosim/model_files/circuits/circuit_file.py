"""Load, check and simulate circuits in files.

(Over 300 lines: a third of them documents the arguments of three public functions.)
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import registry
from neurosim.border import NAMES, public
from neurosim.circuit.circuit import Circuit
from neurosim.errors import ArgumentError, ConfigError, DataError, NeurosimError
from neurosim.model_files.about import About
from neurosim.model_files.checking import Faults, check_kind, check_table, cut
from neurosim.model_files.circuits.array_files import array_files, by_content
from neurosim.model_files.circuits.built import SECTIONS, DescribedCircuit, described
from neurosim.model_files.circuits.numbers import CircuitNumber, check_numbers, check_recorded
from neurosim.model_files.circuits.parts import Simulation, check_times
from neurosim.model_files.circuits.simulated import check_simulation
from neurosim.model_files.circuits.trained import is_circuit
from neurosim.model_files.circuits.values import check_values, flat, read
from neurosim.model_files.sections import copied, exists, located, overridden
from neurosim.model_files.toml import DEEPEST, depth_is_fine, read_toml
from neurosim.model_files.variants import check_variants, parted, variants_of, with_variants
from neurosim.suggestions import did_you_mean

if TYPE_CHECKING:
    import xarray

_ALL = ("model", *SECTIONS, "inputs", "state", "simulation", "numbers")


@dataclass(frozen=True)
class CircuitFile:
    """A checked circuit file.

    Attributes
    ----------
    name
        The shipped name, or the stem of the file, with the variants that were applied: ``classics/cuba+small``.
    about
        Title, description, reference.
    simulation
        How it is simulated, as `neurosim.simulate` takes it.
    inputs, state
        Names of variables with their values; arrays in files are read when it is simulated.
    numbers
        What is measured of a simulation, by name; see `neurosim.model_files.circuits.numbers`.
    given
        The sections as written, to which overrides apply.
    """

    name: str
    about: About
    simulation: Simulation
    inputs: Mapping[str, Any]
    state: Mapping[str, Any]
    numbers: Mapping[str, CircuitNumber]
    given: Mapping[str, Any] = field(compare=False, repr=False)

    @functools.cached_property
    def circuit(self) -> Circuit:
        """The circuit.

        Raises
        ------
        ConfigError
            With all faults in its texts, each with the key that holds it.
        """
        # Before they are read, so that what changes meanwhile shows.
        _ = self._contents
        faults = Faults()
        made = self._described(faults).circuit(self.name.rpartition("/")[2], faults)
        faults.raise_any(self.name)
        assert made is not None
        return made

    def simulate(self, **changes: Any) -> xarray.Dataset:
        """Simulate it as the file says, but for what is given here.

        Parameters
        ----------
        changes
            Arguments of `neurosim.simulate` in place of the file's; `inputs` and `state` are added to the file's, name
            by name.

        Raises
        ------
        ConfigError, DataError, CircuitError, UnitError, NumericalError
            As `neurosim.simulate`.

        Returns
        -------
        xarray.Dataset
            What was recorded.

        Examples
        --------
        >>> import neurosim
        >>> cuba = neurosim.load_circuit("classics/cuba+small")
        >>> cuba.simulate(duration="10 ms")["E.spikes"].shape
        (100, 1, 64)
        """
        # Late: it imports Brian2.
        from neurosim.recording.simulate import simulate

        return simulate(self.circuit, **{**self.arguments, **self._merged(changes)})

    def measure(self, recording: xarray.Dataset) -> dict[str, float]:
        """The numbers of a simulation, NaN where there is nothing to measure.

        Parameters
        ----------
        recording
            What `simulate` returned.

        Raises
        ------
        DataError, ArgumentError
            What a number is of was not recorded, or its metric cannot measure it; with the name of the number.

        Returns
        -------
        dict
            By the names in the section ``[numbers]``, in SI units.
        """
        numbers = {}
        for name, number in self.numbers.items():
            try:
                numbers[name] = number.measured(recording)
            except (ArgumentError, DataError) as error:
                raise DataError(f"numbers.{name}: {error}") from error
        return numbers

    @property
    def hash(self) -> str:
        """A hash of all settings that determine a simulation, and the content of arrays in files; without the seed."""
        sections = dict(self._contents)
        if "simulation" in sections:
            sections["simulation"] = {key: v for key, v in sections["simulation"].items() if key != "seed"}
        return hashlib.sha256(json.dumps(sections, sort_keys=True, default=str).encode()).hexdigest()[:16]

    @property
    def identity(self) -> str:
        """The `hash`: a circuit reads no data but arrays."""
        return self.hash

    @functools.cached_property
    def _contents(self) -> Mapping[str, Any]:
        """All sections but for the title, with checksums of files when they were first read."""
        return by_content({name: section for name, section in self.resolve().items() if name != "model"})

    def refuse_changed(self) -> None:
        """Refuse arrays in files that are others than those by which `hash` was made.

        Raises
        ------
        DataError
            Naming the files.
        """
        if replace(self)._contents != self._contents:
            names = ", ".join(str(path) for path in array_files(self.resolve()))
            raise DataError(f"{self.name}: {names} changed since it was loaded; load the circuit again")

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `neurosim.simulate`, but for inputs and state."""
        settings = {name: getattr(self.simulation, name) for name in self.simulation.model_fields_set}
        if "every" in settings:
            settings["every"] = dict(flat(settings["every"]))
        return settings

    def _merged(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Changes, with the inputs and the state of the file."""
        with_file = dict(changes)
        for section in ("inputs", "state"):
            own = {name: read(value) for name, value in getattr(self, section).items()}
            if merged := {**own, **dict(changes.get(section) or {})}:
                with_file[section] = merged
        return with_file

    def _described(self, faults: Faults) -> DescribedCircuit:
        return described(self.given, faults)

    @property
    def headline(self) -> str:
        """One line: its name, how large it is, how long it is simulated, and on what."""
        circuit, settings = self.circuit, self.simulation
        neurons = sum(population.size for population in circuit.populations)
        weights = sum(math.prod(circuit.weights_shape(pathway.name)) for pathway in circuit.owners)
        long = settings.duration or f"{len(circuit.phases)} phases"
        trials = f", {settings.trials} trials" if settings.trials > 1 else ""
        size = f"{neurons:,} neurons, {weights:,} weights"
        return f"{self.name}: {size}; {long} in steps of {settings.dt}{trials}, engine {settings.engine}"

    @property
    def variants(self) -> dict[str, str]:
        """The variants in its file, each with its title."""
        return variants_of(self.given)

    def resolve(self) -> dict[str, Any]:
        """The sections, as in the file; those of a circuit have defaults that are left out."""
        return {key: value for key, value in self.given.items() if key != "variants"}

    def __str__(self) -> str:
        import tomli_w

        return f"# {self.name}\n{tomli_w.dumps(self.resolve())}"


def _source(name: str, value: Any) -> Any:
    if not isinstance(value, str | PathLike | Mapping | CircuitFile) or value == "":
        raise ArgumentError(name, value, "a name as `neurosim list circuits` shows, a file of TOML, or its sections")
    return value


@public(source=_source, overrides=NAMES, variants=NAMES)
def load_circuit(
    source: str | Path | Mapping[str, Any] | CircuitFile,
    overrides: Sequence[str] = (),
    variants: Sequence[str] = (),
) -> CircuitFile:
    """Read and check a circuit in a file.

    Parameters
    ----------
    source
        A shipped name (``classics/cuba``), the path of a TOML file, or its sections as a mapping. A name or a path as
        text may have variants written after it: ``classics/cuba+small``.
    overrides
        ``section.key=value`` each, the value written as in TOML; anything else is text:
        ``pathways.EE.delay=2 ms``. Paths are relative to the working directory, those in a file to its folder.
    variants
        Names of tables ``[variants.<name>]``, applied one after the other, before the overrides.

    Raises
    ------
    ConfigError
        With all faults: the path of the key, what was got, what was expected.
    UnknownNameError
        No shipped circuit has this name, and no file either, or it has no such variant.
    DataError
        The file cannot be read.

    Returns
    -------
    CircuitFile
        The checked file; ``.circuit`` is its circuit, and ``.simulate()`` runs it.

    Examples
    --------
    >>> cuba = load_circuit("classics/cuba", ["populations.E.size=320", "populations.I.size=80"])
    >>> cuba.circuit.population["E"].size
    320
    """
    file = settled(source, overrides, variants)
    faults = Faults()
    check_simulation(file.circuit, file.simulation, file.inputs, file.state, faults)
    check_recorded(file.circuit, file.simulation, file.numbers, faults)
    faults.raise_any(file.name)
    return file


def load_circuit_variants(source: str | Path | Mapping[str, Any] | CircuitFile) -> dict[str, CircuitFile]:
    """Load every variant of a circuit.

    Raises
    ------
    ConfigError
        With the faults of all variants.
    """
    if isinstance(source, str):
        source = parted(source)[0]
    files, refused = {}, []
    for name in variants_of(sections_of(source)[1]):
        try:
            files[name] = load_circuit(source, variants=(name,))
        except ConfigError as error:
            refused.append(str(error))
    if refused:
        raise ConfigError("\n".join(refused))
    return files


def settled(
    source: str | Path | Mapping[str, Any] | CircuitFile,
    overrides: Sequence[str] = (),
    variants: Sequence[str] = (),
) -> CircuitFile:
    """As `load_circuit`, but check keys, types and sizes only, for which nothing heavy is imported."""
    name, table, written = sections_of(source)
    variants = (*written, *variants)
    table = with_variants(table, variants, name)
    return _checked("+".join((name, *variants)), located(overridden(table, overrides), "."))


def sections_of(source: str | Path | Mapping[str, Any] | CircuitFile) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """The name and the sections of a circuit, and the variants that are written after its name."""
    if isinstance(source, CircuitFile):
        return source.name, copied(source.given), ()
    if isinstance(source, Mapping):
        if not depth_is_fine(source):
            raise ConfigError(f"circuit: nested too deeply, expected at most {DEEPEST} levels")
        return "circuit", {str(key): value for key, value in source.items()}, ()
    base, written = parted(source) if isinstance(source, str) else (source, ())
    if isinstance(base, str) and not base.endswith(".toml"):
        return base, read_toml(registry.circuit_path(base)), written
    path = Path(base)
    if not exists(path):
        raise DataError(f"{cut(str(base))}: there is no such file; 'neurosim list circuits' shows shipped circuits")
    return path.stem, located(read_toml(path), path.parent), written


def holds_circuit(source: str | Path) -> bool:
    """Whether a name or a file is of a circuit without a task."""
    base = parted(source)[0] if isinstance(source, str) else source
    if base in registry.circuits():
        return True
    if not exists(base):
        return False
    try:
        return is_circuit(read_toml(Path(base)))
    except NeurosimError:
        return False  # the reader of models reports the fault


def _checked(name: str, table: Mapping[str, Any]) -> CircuitFile:
    faults = Faults()
    for key in table:
        if key not in (*_ALL, "variants"):
            faults.add(key, f"unknown section; {did_you_mean(key, _ALL)}")
    about = check_table(About, table.get("model", {}), "model", faults)
    simulation = check_table(Simulation, table.get("simulation", {}), "simulation", faults)
    if simulation is not None and check_kind("engines", simulation.engine, "simulation.engine", faults) is not None:
        check_times(simulation, faults)
    inputs, state = (check_values(table.get(section, {}), section, faults) for section in ("inputs", "state"))
    numbers = check_numbers(table.get("numbers", {}), faults)
    described(table, faults)
    check_variants(table.get("variants", {}), _ALL, faults)
    faults.raise_any(name)
    assert about and simulation
    return CircuitFile(name, about, simulation, inputs, state, numbers, copied(table))
