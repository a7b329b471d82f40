"""Files that a run reads besides its settings, data and registered components, identified by their bytes.

The same bytes under another path are the same data; other bytes under the same path are other data. A run lists the
files in ``provenance.json``. Reusing or resuming the run compares that list with the files that are there now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import registry
from neurosim.errors import ConfigError, DataError, NeurosimError
from neurosim.model_files.circuits.array_files import array_files, content_of
from neurosim.runs import folder as files
from neurosim.runs.integrity import digest_of_file, read_json
from neurosim.tasks._task import Task

if TYPE_CHECKING:
    from neurosim.model_files.model_file import Model

#: A file that was read: ``name`` (without its folder), ``sha256`` of its bytes, number of ``bytes``.
FileRead = Mapping[str, Any]


def files_read(model: Model, task: Task) -> list[FileRead]:
    """The files that a run depends on: those of the data, arrays of a circuit, then registered components."""
    read: list[FileRead] = [dict(each) for each in getattr(task, "files", ())]
    read += arrays_read(_written_circuit(model))
    for kind, path in _components(model):
        read.append({"name": f"{kind}/{path.name}", "sha256": digest_of_file(path), "bytes": path.stat().st_size})
    return read


def arrays_read(sections: Mapping[str, Any]) -> list[FileRead]:
    """The files with arrays that the sections of a circuit name."""
    contents = [(path.name, *content_of(path)) for path in array_files(sections)]
    return [{"name": name, "sha256": digest, "bytes": size} for name, digest, size in contents]


def digest_of_files(read: Sequence[FileRead]) -> str:
    """One checksum of the bytes of all files, in order; empty without files."""
    sums = "\n".join(str(each.get("sha256")) for each in read)
    return hashlib.sha256(sums.encode()).hexdigest() if sums else ""


def same_data(folder: Path, digest: str) -> bool:
    """Whether the run in a folder read files with this `digest_of_files`."""
    return digest_of_files(_written(folder)) == digest


def refuse_other_data(folder: Path, read: Sequence[FileRead]) -> None:
    """Refuse to resume a run that read other bytes.

    Raises
    ------
    ConfigError
        Naming the files.
    """
    try:
        read_json(folder / files.PROVENANCE)
    except DataError:
        return  # a damaged file lists no data
    before = _written(folder)
    if digest_of_files(before) == digest_of_files(read):
        return
    lines = [f"{each['name']} ({_short(each)})" for each in read if each["sha256"] not in _sums(before)]
    lost = [f"{each.get('name')} ({_short(each)})" for each in before if each.get("sha256") not in _sums(read)]
    raise ConfigError(
        f"{folder} holds a run on other data: it read {', '.join(lost) or 'no such file'}, now there is "
        f"{', '.join(lines) or 'nothing of the kind'}; choose another --out to run on these, or restore the former data"
    )


class Identified:
    """Adds the checksum of their data to models; models that share a task read its data once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, model: Model) -> Model:
        """The model with its checksum; an empty one if the data cannot be read, which the run will report."""
        if model.data is not None:
            return model
        task = model.task_config.model_dump(mode="json")
        key = json.dumps([model.task_kind, task, _names(model), _written_circuit(model)], sort_keys=True, default=str)
        if key not in self._known:
            try:
                self._known[key] = digest_of_files(files_read(model, model.load_task()))
            except NeurosimError:
                self._known[key] = ""
        return replace(model, data=self._known[key])


def _components(model: Model) -> list[tuple[str, Path]]:
    """Registered files that the model names, or that a registered scheme may name."""
    if not registry.registered():
        return []
    named = set(_words(model.resolve()))
    own = any(kind == "schemes" and path.stem in named for kind, path in registry.registered())
    inner = ("rules", "neurons", "readouts") if own else ()
    return [(kind, path) for kind, path in registry.registered() if path.stem in named or kind in inner]


def _written_circuit(model: Model) -> Mapping[str, Any]:
    """The sections of a circuit that a model has in place of a network and a scheme."""
    return model.written.sections if model.written is not None else {}


def _names(model: Model) -> list[str]:
    return [str(path) for _, path in _components(model)]


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _words(inner)


def _written(folder: Path) -> list[FileRead]:
    """The files in a run's provenance; none if it has no such list."""
    try:
        provenance = read_json(folder / files.PROVENANCE)
    except DataError:
        return []
    listed = provenance.get("data") if isinstance(provenance, dict) else None
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _sums(read: Sequence[FileRead]) -> set[Any]:
    return {str(each.get("sha256")) for each in read}


def _short(each: FileRead) -> str:
    return f"sha256 {str(each.get('sha256'))[:12]}, {each.get('bytes')} bytes"
