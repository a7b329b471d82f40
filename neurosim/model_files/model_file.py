"""Load and check model files: TOML, each section checked by its component, all faults in one report.

A model file names components; it cannot contain code. (Over 300 lines: a third documents the fields of a checked
model.)
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from neurosim import registry
from neurosim.border import FLAG, NAMES, public
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.update_noise import with_update_noise
from neurosim.engines._engine import EngineConfig
from neurosim.errors import ArgumentError, ConfigError, Fault, NeurosimError
from neurosim.folded import folded
from neurosim.model_files.about import About, NoTask
from neurosim.model_files.checking import Faults, check_table, line_of
from neurosim.model_files.circuits.array_files import by_content
from neurosim.model_files.circuits.built import SECTIONS as CIRCUIT_SECTIONS
from neurosim.model_files.circuits.trained import NAME as WRITTEN
from neurosim.model_files.circuits.trained import TrainableSections, is_circuit, written_section
from neurosim.model_files.component_sections import check_neurons, component_section, network_section
from neurosim.model_files.engine_section import engine_section
from neurosim.model_files.readout_targets import refuse_targets
from neurosim.model_files.record_section import check_record
from neurosim.model_files.sections import copied, located, overridden, path_settings, read_sections
from neurosim.model_files.toml import DEEPEST, depth_is_fine
from neurosim.model_files.tune_section import TuneSection, tune_section
from neurosim.model_files.untuned import with_steps, with_weights
from neurosim.model_files.variants import check_variants, parted, variants_of, with_variants
from neurosim.networks._network import DEFAULT, Network, is_stream, with_engine
from neurosim.schemes._pairing import circuit_of, unsuited
from neurosim.suggestions import did_you_mean
from neurosim.tasks._task import Sizes, Task
from neurosim.training import config as training_section

_MOST_STEPS = 10_000_000
# Weights plus neurons: as float32 16 GB before anything is computed.
_MOST_NUMBERS = 4_000_000_000
_SECTIONS = ("model", "task", "network", "scheme", "engine", "training", "probe", "tune")
#: Sections of a model that has a circuit instead of a network and a scheme.
WRITTEN_SECTIONS = ("model", "task", *CIRCUIT_SECTIONS, "engine", "training", "tune")


@dataclass(frozen=True)
class Model:
    """A checked model file.

    Attributes
    ----------
    name
        The shipped name, or the stem of the file, with the variants that were applied: ``lansdell2020/mnist+fa``.
    about
        Title, description, reference.
    task_kind, task_config, scheme_kind, scheme_config
        The task and the scheme with their settings. Without a task (``""`` and no settings) the data come from Python.
    network, engine, training
        The other sections. With a probe there is no training, and these are its defaults.
    probe_kind, probe_config
        The probe that measures instead of training, with its settings; empty and ``None`` for a model that trains.
    given
        The sections as written, to which overrides apply.
    data
        A checksum of the files that a run reads, empty without files; ``None`` until they are read, see
        `neurosim.runs.data_identity`.
    network_kind
        The kind of the network, ``layered`` unless the file names another.
    written
        The circuit, if the file has one instead of a network and a scheme, which then have no settings.
    tune
        The search that a comparison makes before it runs the model; no part of `resolve` and `hash`.
    """

    name: str
    about: About
    task_kind: str
    task_config: BaseModel
    network: Network
    scheme_kind: str
    scheme_config: BaseModel
    engine: EngineConfig
    training: training_section.Config
    probe_kind: str = ""
    probe_config: BaseModel | None = None
    given: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    data: str | None = field(default=None, repr=False)
    network_kind: str = DEFAULT
    written: TrainableSections | None = None
    tune: TuneSection | None = field(default=None, compare=False, repr=False)

    def load_task(self, *, seed: int = 0) -> Task:
        """Load the task's data.

        Raises
        ------
        ConfigError
            The model has no task.
        """
        self._refuse_no_task()
        return registry.load("tasks", self.task_kind).load(self.task_config, seed=seed)

    def build(self, task: Any) -> Circuit:
        """Build the circuit for a task, or for anything with its ``n_inputs`` and ``n_outputs``.

        Raises
        ------
        ConfigError
            If the parts do not fit together, or a phase is no whole number of time steps.
        """
        whose = self.network if self.written is None else self.written
        readout = getattr(whose, "readout", None)
        if readout is not None and isinstance(task, Task | Sizes):
            refuse_targets(readout, task, name=self.task_kind, section="circuit" if self.written else "network")
        try:
            window = self._window(task)
            if self.written is not None:
                circuit = self.written.circuit(self.name, task)
            else:
                if self.engine.level == "steady" and getattr(task, "dt", None) is not None:
                    timed = f"the task '{self.task_kind}' is over time, and this level has none"
                    raise ConfigError.at("engine.level", f"got 'steady', expected 'rate' or 'spiking': {timed}")
                sized = with_engine(task, self.engine.setting.dt, window)
                circuit = circuit_of(self.scheme_kind, self.scheme_config, self.network, sized)
            if is_stream(task):
                # Imported late: what has no streams needs nothing of engines to be checked.
                from neurosim.training.streams import refuse_circuit

                refuse_circuit(circuit, self.engine.setting.dt)
            if self.training.weight_noise is not None:
                circuit = with_update_noise(circuit, self.training.weight_noise)
            numbers = numbers_of(circuit)
            if numbers > _MOST_NUMBERS:
                most = f"expected at most {_MOST_NUMBERS:.0e}; see network.hidden"
                raise ConfigError(f"got a network of {numbers:.3g} weights and neurons, {most}")
            if self.engine.level != "steady":
                steps = sum(phase.steps(self.engine.setting.dt) for phase in circuit.phases)
                if steps > _MOST_STEPS:
                    raise ConfigError(f"{steps} time steps a presentation, expected at most {_MOST_STEPS}")
        except NeurosimError as error:
            if self.written is not None and isinstance(error, ConfigError) and error.faults:
                raise
            fault = _fault_of(error)
            raise ConfigError(f"{self.name}: 1 fault\n  {line_of(fault)}", faults=[fault]) from error
        if self.training.record is not None:
            steady = self.engine.level == "steady"
            check_record(self.name, self.training.record, self.training.epochs, circuit, steady=steady)
        return circuit

    @functools.cached_property
    def circuit(self) -> Circuit:
        """The circuit for this model's own task."""
        self._refuse_no_task()
        sizes = getattr(registry.load("tasks", self.task_kind), "sizes", None)
        # The sizes suffice; no data are read.
        return self.build(sizes(self.task_config) if sizes else self.load_task())

    def _window(self, task: Any) -> int | None:
        """How many grid steps of a stream are presented at once; none of trials."""
        if self.probe_kind:
            if is_stream(task):
                raise ConfigError.at(
                    "task.stream", f"got true, expected false: the probe '{self.probe_kind}' shows trials"
                )
            return None
        training_section.refuse_windows(self.training, getattr(task, "steps", None), streams=is_stream(task))
        return self.training.update_every

    def _refuse_no_task(self) -> None:
        if not self.task_kind:
            raise ConfigError(f"{self.name}: this model has no task of its own; it takes its data from Python")

    @functools.cached_property
    def further(self) -> dict[str, Model]:
        """The model with each further network that its probe needs."""
        asked = getattr(registry.load("probes", self.probe_kind), "networks", None) if self.probe_kind else None
        changes = asked(self.probe_config) if asked else {}
        own, faults, models = self.network.model_dump(mode="json"), Faults(), {}
        for name, new in changes.items():
            _, network = network_section({"kind": self.network_kind, **own, **new}, faults, f"probe.{name}.network")
            if network is not None:
                check_neurons(network, faults, f"probe.{name}.network")
                models[name] = replace(self, network=network)
        faults.raise_any(self.name)
        return models

    def resolve(self) -> dict[str, dict[str, Any]]:
        """All sections with all defaults, as in ``config.toml``; loading them gives an equal model."""
        # The usual kind is not written, so that a model's hash stays what it was before there were others.
        kind = {} if self.network_kind == DEFAULT else {"kind": self.network_kind}
        sections = {
            "model": self.about.model_dump(mode="json"),
            **(
                {"task": {"kind": self.task_kind, **self.task_config.model_dump(mode="json")}} if self.task_kind else {}
            ),
            **(
                self.written.sections
                if self.written is not None
                else {
                    "network": {**kind, **self.network.model_dump(mode="json")},
                    "scheme": {"kind": self.scheme_kind, **self.scheme_config.model_dump(mode="json")},
                }
            ),
            "engine": self.engine.model_dump(mode="json"),
        }
        if self.probe_config is None:
            sections["training"] = self.training.model_dump(mode="json")
        else:
            sections["probe"] = {"kind": self.probe_kind, **self.probe_config.model_dump(mode="json")}
        return {name: _without_none(section) for name, section in sections.items()}

    @property
    def variants(self) -> dict[str, str]:
        """The variants in its file, each with its title."""
        return variants_of(self.given)

    @property
    def hash(self) -> str:
        """A hash of all settings that determine a run's results, without the seed and the paths of data.

        Of files with arrays it has the content.
        """
        sections = {name: section for name, section in self.resolve().items() if name != "model"}
        if self.task_kind:
            paths = path_settings(self.task_kind)
            sections["task"] = {key: value for key, value in sections["task"].items() if key not in paths}
        if self.written is not None:
            sections = by_content(sections)
        return hashlib.sha256(json.dumps(sections, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def identity(self) -> str:
        """The `hash`, combined with the checksum `data` if known."""
        return hashlib.sha256(f"{self.hash} {self.data}".encode()).hexdigest()[:16] if self.data else self.hash

    def __str__(self) -> str:
        import tomli_w

        return f"# {self.name}\n{tomli_w.dumps(self.resolve())}"

    def _changed(self) -> dict[str, dict[str, Any]]:
        """Of `resolve`, what differs from the defaults, and the kinds."""
        configs = {
            "model": self.about,
            "task": self.task_config,
            "network": self.network,
            "scheme": self.scheme_config,
            "engine": self.engine,
            "training": self.training,
            "probe": self.probe_config,
        }
        changed: dict[str, dict[str, Any]] = {}
        for name, section in self.resolve().items():
            config = configs.get(name)
            # A circuit in a file is written by hand: all of it.
            plain = section if config is None else config.model_dump(mode="json", exclude_defaults=True)
            kept = {key: value for key, value in section.items() if key in plain or key == "kind"}
            changed |= {name: kept} if kept else {}
        return changed

    def _repr_html_(self) -> str:
        import tomli_w

        everything = folded("all settings, with defaults", tomli_w.dumps(self.resolve()))
        return folded(f"model {self.name}", tomli_w.dumps(self._changed()), [everything], opened=True)


def numbers_of(circuit: Circuit) -> int:
    """The number of a circuit's own weights and neurons."""
    weights = sum(math.prod(circuit.weights_shape(p.name)) for p in circuit.owners)
    return weights + sum(population.size for population in circuit.populations)


def _source(name: str, value: Any) -> Any:
    if not isinstance(value, str | os.PathLike | Mapping | Model) or value == "":
        raise ArgumentError(name, value, "a name as `neurosim list models` shows, a file of TOML, or its sections")
    return value


@public(source=_source, overrides=NAMES, variants=NAMES, data_given=FLAG)
def load(
    source: str | Path | Mapping[str, Any] | Model,
    overrides: Sequence[str] = (),
    variants: Sequence[str] = (),
    *,
    data_given: bool = False,
) -> Model:
    """Read and check a model.

    Parameters
    ----------
    source
        A shipped name (``lansdell2020/digits``), the path of a TOML file, its sections as a mapping, or a
        model, which is checked again with the overrides. A name or a path as text may have variants written
        after it: ``lansdell2020/mnist+fa+full``.
    overrides
        ``section.key=value`` each, the value written as in TOML; anything else is text. Paths are relative
        to the working directory, those in a file to its folder.
    variants
        Names of tables ``[variants.<name>]`` of the model, applied one after the other, before the overrides;
        see `neurosim.model_files.variants`.
    data_given
        Whether the data come from Python, so that the model has no task.

    Raises
    ------
    ConfigError
        With all faults: the path of the key, what was got, what was expected.
    UnknownNameError
        No shipped model has this name, and no file either, or the model has no such variant.
    DataError
        The file cannot be read.

    Returns
    -------
    Model
        The checked model with all defaults; ``model.circuit`` is its circuit.

    Examples
    --------
    >>> model = load("lansdell2020/digits", ["training.epochs=5"])
    >>> model.training.epochs, model.circuit.shape("W1")
    (5, (48, 64))
    """
    model = settled(source, overrides, variants, data_given=data_given)
    # Equations come last: reading them takes a second and a half, and a mistyped key should be reported at once.
    faults = Faults()
    check_neurons(model.network, faults)
    faults.raise_any(model.name)
    # This checks the further networks of a probe.
    _ = model.further
    return model


def settled(
    source: str | Path | Mapping[str, Any] | Model,
    overrides: Sequence[str] = (),
    variants: Sequence[str] = (),
    *,
    data_given: bool = False,
) -> Model:
    """As `load`, but check keys, types and units only, for which nothing heavy is imported."""
    if isinstance(source, Model):
        name, table = source.name, source.given or source.resolve()
    elif isinstance(source, Mapping):
        if not depth_is_fine(source):
            raise ConfigError(f"model: nested too deeply, expected at most {DEEPEST} levels")
        name, table = "model", {str(key): value for key, value in source.items()}
    else:
        base, written = parted(source) if isinstance(source, str) else (source, ())
        name, table = read_sections(base)
        variants = (*written, *variants)
    table = with_variants(table, variants, name)
    # Paths outside of files are relative to the working directory.
    sections = located(overridden(table, overrides), ".")
    return _checked("+".join((name, *variants)), sections, data_given=data_given)


def load_variants(source: str | Path | Mapping[str, Any] | Model) -> dict[str, Model]:
    """Load every variant of a model.

    Raises
    ------
    ConfigError
        With the faults of all variants.
    """
    if isinstance(source, str):
        source = parted(source)[0]
    if isinstance(source, str | Path):
        sections = read_sections(source)[1]
    else:
        sections = source.given if isinstance(source, Model) else source
    models, refused = {}, []
    for name in variants_of(sections):
        try:
            models[name] = load(source, variants=(name,))
        except ConfigError as error:
            refused.append(str(error))
    if refused:
        raise ConfigError("\n".join(refused))
    return models


def _checked(name: str, table: Mapping[str, Any], *, data_given: bool = False) -> Model:
    faults, circuit = Faults(), "populations" in table
    if is_circuit(table) and not data_given:
        expected = "expected a model with a task: a circuit is for neurosim simulate, and neurosim.load_circuit"
        raise ConfigError.at("populations", f"got a circuit without a task, {expected}")
    known = WRITTEN_SECTIONS if circuit else _SECTIONS
    for key in table:
        if key not in (*known, "variants"):
            beside = " beside populations" if key in _SECTIONS else ""
            faults.add(key, f"unknown section{beside}; {did_you_mean(key, known)}")
    given, table = table, with_steps(table)
    about = check_table(About, table.get("model", {}), "model", faults)
    if data_given:
        task_kind, task = "", NoTask()
        if "task" in table:
            faults.add("task", "got a task, expected none: the data are given from Python")
    else:
        task_kind, task = component_section("tasks", table.get("task"), "task", faults)
    written = written_section(table, faults) if circuit else None
    if circuit:
        network_kind, network, scheme_kind, scheme = DEFAULT, Network(), WRITTEN, NoTask()
    else:
        network_kind, network = network_section(table.get("network", {}), faults)
        scheme_kind, scheme = component_section("schemes", table.get("scheme"), "scheme", faults)
    if not circuit and network is not None and scheme is not None and (why := unsuited(scheme_kind, network_kind)):
        faults.add("network.kind", why)
    engine = engine_section(table.get("engine", {}), faults)
    training = check_table(training_section.Config, table.get("training", {}), "training", faults)
    if data_given and training is not None and training.record is not None:
        faults.add(
            "training.record", "got a recording, expected none where data are given from Python: there is no run"
        )
    probe_kind, probe = component_section("probes", table["probe"], "probe", faults) if "probe" in table else ("", None)
    if "probe" in table and "training" in table:
        faults.add("probe", "got a probe and training, expected one of them: a probe measures instead of training")
    if "probe" in table and "tune" in table:
        faults.add("tune", "got a search beside a probe, expected none: a probe measures and does not train")
    tune = tune_section(table["tune"], faults) if "tune" in table and "probe" not in table else None
    check_variants(table.get("variants", {}), known, faults)
    faults.raise_any(name)
    assert about and task and network and scheme and engine and training
    if table is not given:
        network = with_weights(network, given)
    parts = (about, task_kind, task, network, scheme_kind, scheme, engine, training, probe_kind, probe)
    return Model(name, *parts, given=copied(given), network_kind=network_kind, written=written, tune=tune)


def _without_none(section: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, Mapping) else value
        for name, value in section.items()
        if value is not None
    }


def _fault_of(error: NeurosimError) -> Fault:
    """The key at fault for a circuit that cannot be built: the scheme, which makes it, if the error names none."""
    for key, sentence in error.faults:
        match key.split("."):
            case ["network" | "scheme" | "engine" | "task", *_]:
                return key, sentence
            case ["populations", population, "method"]:
                return f"network.{'output_neuron' if population == 'output' else 'neuron'}.method", sentence
    return "scheme", str(error)
