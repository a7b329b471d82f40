"""Find variants (neurons, rules, schemes, tasks ...) by name. A file's stem is its name; no list is kept.

A variant is a module. It comes from a file in the package's folder of that kind, from an installed
distribution with an entry point in the group ``neurosim.<kind>``, or from a file that the user names in
Python or on the command line.

(Over 300 lines: one mechanism for all kinds, a third of it documentation.)
"""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from neurosim.errors import ArgumentError, ConfigError, DataError, UnknownNameError

#: Each kind and the folder of the package that its files are in.
_FOLDERS = {
    **{kind: kind for kind in ("neurons", "rules", "readouts", "tasks", "networks", "schemes", "metrics", "probes")},
    "engines": "engines/variants",
}
kinds: tuple[str, ...] = tuple(_FOLDERS)

_registered: dict[tuple[str, str], Path] = {}
# Heads of sections: of a circuit, and of what it learns.
_POPULATIONS, _TASK = re.compile(rb"^\[populations\b", re.MULTILINE), re.compile(rb"^\[task\]", re.MULTILINE)
_FEW, _ALIKE = 12, 0.6  # most names listed in a message; similarity of a name that was meant


def names(kind: str) -> list[str]:
    """List the variants of one kind, sorted.

    Parameters
    ----------
    kind
        One of `kinds`.

    Raises
    ------
    UnknownNameError
        There is no such kind.

    Returns
    -------
    list of str

    Examples
    --------
    >>> names("readouts")
    ['cross_entropy', 'sigmoid_cross_entropy', 'squared_error']
    """
    _check_kind(kind)
    own = {registered for registered_kind, registered in _registered if registered_kind == kind}
    return sorted(_shipped(kind).keys() | _plugins(kind).keys() | own)


def load(kind: str, name: str) -> ModuleType:
    """Import one variant.

    Parameters
    ----------
    kind, name
        As `names` lists them.

    Raises
    ------
    UnknownNameError
        There is no such kind or name; the message suggests the nearest and lists all.
    """
    _check_kind(kind)
    if name in _shipped(kind):
        return importlib.import_module(".".join(("neurosim", *_FOLDERS[kind].split("/"), name)))
    _check_name(kind, name)
    if (kind, name) in _registered:
        return _load_registered(kind, name)
    return importlib.import_module(_plugins(kind)[name].module)


def describe(kind: str, name: str) -> str:
    """Give the first line of a variant's docstring without importing it; empty if it has none.

    Parameters
    ----------
    kind, name
        As `names` lists them.

    Raises
    ------
    UnknownNameError
        There is no such kind or name.
    """
    _check_name(kind, name)
    path = _shipped(kind).get(name) or _registered.get((kind, name)) or _plugin_source(_plugins(kind)[name])
    try:
        docstring = ast.get_docstring(ast.parse(path.read_bytes())) if path else None
    except (OSError, SyntaxError, ValueError):
        return ""
    return docstring.partition("\n")[0] if docstring else ""


def register(kind: str, path: str | Path) -> str:
    """Add a Python file as a variant; its stem is the name.

    The file's code runs when the variant is loaded, so register only files you trust. A model file cannot do
    this. Registering the same file again makes the next `load` read it anew.

    Parameters
    ----------
    kind
        One of `kinds`.
    path
        The ``.py`` file.

    Returns
    -------
    str
        The name.

    Raises
    ------
    DataError
        The file is missing.
    ConfigError
        It is no Python file, its stem is no name, or the name is taken.

    Examples
    --------
    >>> from pathlib import Path
    >>> text = "from neurosim import Rule\\nRULE = Rule('w += rate*r_pre', parameters={'rate': None})"
    >>> _ = Path("my_rule.py").write_text(text)
    >>> register("rules", "my_rule.py")
    'my_rule'
    """
    _check_kind(kind)
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError("path", path, "a path")
    path = Path(path).expanduser().resolve()
    name = path.stem
    if not path.is_file():
        raise DataError(f"no file {path} to register under {kind}")
    if path.suffix != ".py" or not name.isidentifier() or name.startswith("_"):
        raise ConfigError(
            f"{path} cannot be registered under {kind}: expected <name>.py, the name made of letters, digits "
            "and underscores, not starting with an underscore"
        )
    holder = _shipped(kind).get(name) or _registered.get((kind, name)) or _plugins(kind).get(name)
    if holder is not None and holder != path:
        raise ConfigError(f"{kind} has a '{name}' already ({holder}): rename {path}")
    if name not in _shipped(kind):
        _registered[kind, name] = path
        sys.modules.pop(_module_name(kind, name), None)
    return name


def registered() -> list[tuple[str, Path]]:
    """List what `register` added: kind and file, so that another process can do the same."""
    return [(kind, path) for (kind, _), path in _registered.items()]


def models() -> list[str]:
    """List the models that ship, such as ``lansdell2020/digits``, sorted."""
    return sorted(name for name, is_circuit in _model_files().items() if not is_circuit)


def circuits() -> list[str]:
    """List the circuits that ship, such as ``classics/cuba``, sorted."""
    return sorted(name for name, is_circuit in _model_files().items() if is_circuit)


def circuit_path(name: str) -> Path:
    """Find the TOML file of a shipped circuit.

    Parameters
    ----------
    name
        As `circuits` lists it.

    Raises
    ------
    UnknownNameError
        No such circuit ships.
    """
    known = circuits()
    if name not in known:
        raise UnknownNameError(unknown("circuit", name, known, listing="circuits"))
    return _models_folder() / f"{name}.toml"


def model_path(name: str) -> Path:
    """Find the TOML file of a shipped model.

    Parameters
    ----------
    name
        As `models` lists it.

    Raises
    ------
    UnknownNameError
        No such model ships.
    """
    known = models()
    if name not in known:
        raise UnknownNameError(unknown("model", name, known, listing="models"))
    return _models_folder() / f"{name}.toml"


def expected_path(folder: str) -> Path:
    """Find the ``expected.toml`` of a shipped folder, such as ``lansdell2020``.

    Raises
    ------
    UnknownNameError
        No such folder ships.
    DataError
        It has no ``expected.toml``.
    """
    known = sorted({name.partition("/")[0] for name in _model_files()})
    if folder not in known:
        raise UnknownNameError(unknown("folder of models", folder, known))
    path = _models_folder() / folder / "expected.toml"
    if not path.is_file():
        raise DataError(f"{path}: there is no such file, so nothing is expected of the models beside it")
    return path


def unknown(what: str, name: str, known: list[str], *, listing: str = "") -> str:
    """The message for an unknown name: the nearest names, and all of them, or where they are listed."""
    shown = repr(name) if len(name) <= 80 else repr(name[:77] + "...")
    near = nearest(name[:100], known)
    hint = f"did you mean {' or '.join(repr(each) for each in near)}? " if near else ""
    if listing and len(known) > _FEW:
        return f"unknown {what} {shown}: {hint}'neurosim list {listing}' shows all {len(known)}"
    return f"unknown {what} {shown}: {hint}there are {', '.join(known) or 'none'}"


def nearest(name: str, known: list[str]) -> list[str]:
    """Up to three similar names; names in folders are compared without the folder."""
    folder, _, last = name.rpartition("/")
    if inside := [each for each in known if each.startswith(f"{name}/")]:
        return inside[:3]
    scores = {}
    for each in known:
        parts = zip(each.rpartition("/")[::2], (folder, last), strict=True)
        of_folder, of_last = (difflib.SequenceMatcher(None, *pair).ratio() for pair in parts)
        if of_last >= _ALIKE:
            scores[each] = of_last + 0.1 * of_folder
    best = max(scores.values(), default=0.0)
    return sorted((each for each in scores if scores[each] > best - 0.1), key=lambda each: -scores[each])[:3]


def _shipped(kind: str) -> dict[str, Path]:
    folder = Path(__file__).parent / _FOLDERS[kind]
    return {path.stem: path for path in folder.glob("*.py") if not path.stem.startswith("_")}


def _plugins(kind: str) -> Mapping[str, EntryPoint]:
    return _points(entry_points, kind, tuple(sys.path))


@functools.lru_cache(maxsize=64)
def _points(find: Callable[..., Any], kind: str, where: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """The entry points of a kind; cached, since finding them reads the metadata of every distribution `where`."""
    return {point.name: point for point in find(group=f"neurosim.{kind}")}


def _plugin_source(point: EntryPoint) -> Path | None:
    try:
        spec = importlib.util.find_spec(point.module)
    except ImportError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _load_registered(kind: str, name: str) -> ModuleType:
    module_name = _module_name(kind, name)
    if module_name in sys.modules:
        return sys.modules[module_name]
    path = _registered[kind, name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise DataError(f"{path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    # Config classes look up annotations in sys.modules while the file runs.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _module_name(kind: str, name: str) -> str:
    return f"_neurosim_registered_{kind}_{name}"


def _model_files() -> dict[str, bool]:
    """The names of all files that ship, and whether each is a circuit without a task."""
    folder = _models_folder()
    # The files expected.toml beside models are no models.
    paths = [path for path in folder.glob("*/*.toml") if not path.name.endswith("expected.toml")]
    return {path.relative_to(folder).with_suffix("").as_posix(): _is_circuit(path.read_bytes()) for path in paths}


def _is_circuit(text: bytes) -> bool:
    return _POPULATIONS.search(text) is not None and _TASK.search(text) is None


def _models_folder() -> Path:
    package = Path(__file__).parent
    # An installed package contains them; in a checkout they lie beside it.
    for folder in (package / "models", package.parent / "models"):
        if (folder / "__init__.py").exists():
            return folder
    raise DataError(f"the shipped models are missing: expected them in {package / 'models'}; install neurosim again")


def _check_kind(kind: str) -> None:
    if not isinstance(kind, str):
        raise ArgumentError("kind", kind, f"one of {', '.join(kinds)}")
    if kind not in kinds:
        raise UnknownNameError(unknown("kind", kind, list(kinds)))


def _check_name(kind: str, name: str) -> None:
    if not isinstance(name, str):
        raise ArgumentError("name", name, f"a name, as neurosim.names('{kind}') lists them")
    known = names(kind)
    if name not in known:
        raise UnknownNameError(unknown(kind.removesuffix("s"), name, known, listing=kind))
