"""All files that a stranger may hand to us are opened in `neurosim.gate`: whoever opens one elsewhere says why here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurosim

ROOT = Path(neurosim.__file__).parent

#: Modules whose use opens, unpacks or unpickles something.
OPENERS = {
    "bz2", "dbm", "gzip", "h5py", "joblib", "lzma", "marshal", "netCDF4", "numcodecs", "pickle", "safetensors",
    "scipy.io", "shelve", "sqlite3", "tarfile", "tomllib", "yaml", "zarr", "zipfile", "zlib",
}  # fmt: skip
#: Functions of other modules that do.
CALLS = {
    "json": {"load", "loads", "JSONDecoder"},
    "numpy": {"load", "loadtxt", "genfromtxt", "fromfile", "memmap", "fromregex", "open_memmap"},
    "xarray": {"open_zarr", "open_dataset", "open_dataarray", "open_mfdataset", "open_datatree", "load_dataset"},
    "pandas": {
        "read_csv", "read_table", "read_pickle", "read_json", "read_hdf", "read_parquet", "read_feather", "read_excel",
        "read_sql", "read_xml", "read_html", "read_orc", "read_fwf",
    },
}  # fmt: skip
NAMES = frozenset().union(*CALLS.values())
#: File -> what it may use, and why that is no stranger's file, or where its size and content are checked.
ALLOWED = {
    "recording/store.py": ({"zarr"}, "writes stores that it has described itself"),
    "model_files/toml.py": ({"tomllib"}, "the gate of TOML, which bounds it before it is parsed"),
    "installation.py": ({"tomllib"}, "reads this checkout's own settings"),
    "tasks/_csv.py": ({"pandas.read_csv"}, "checks sizes, and reads columns that are asked for"),
    "tasks/_idx.py": ({"gzip", "zlib"}, "reads in pieces no longer than was checked"),
    "tasks/_task.py": ({"zlib"}, "a checksum"),
    "tasks/digits.py": ({"gzip", "numpy.loadtxt"}, "reads a file of scikit-learn's"),
    "networks/_network.py": ({"json.loads"}, "a text that it made itself, as the key of a cache"),
    "estimators/fitted.py": ({"json.loads"}, "a text that it made itself, as the key of a cache"),
    "estimators/parameters.py": ({"json.loads"}, "a text that it made itself"),
    "studies/sweeps/search.py": ({"json.loads"}, "a text that it made itself, as a choice of a search"),
}


def _found(text: str) -> Iterator[tuple[str, int]]:
    """What of the above a source uses, by whatever name it imports it."""
    names: dict[str, str] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for each in node.names:
                first = each.name.partition(".")[0]
                names[each.asname or first] = each.name if each.asname else first
                yield from _opener(each.name, node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                names[each.asname or each.name] = f"{node.module}.{each.name}"
                yield from _opener(f"{node.module}.{each.name}", node.lineno)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in NAMES:
            owner = ast.unparse(node.value)
            first, dot, rest = owner.partition(".")
            whole = f"{names.get(first, first)}{dot}{rest}"
            if node.attr in CALLS.get(whole.partition(".")[0], ()):
                yield f"{whole.partition('.')[0]}.{node.attr}", node.lineno
        elif isinstance(node, ast.Call) and _last(node.func) in ("import_module", "__import__"):
            yield from _opener(ast.unparse(node.args[0]).strip("'") if node.args else "", node.lineno)


def _last(function: ast.expr) -> str:
    """The last part of a function's name."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _opener(name: str, line: int) -> Iterator[tuple[str, int]]:
    for opener in OPENERS:
        if name == opener or name.startswith(f"{opener}."):
            yield opener, line
    module, _, function = name.rpartition(".")
    if function in CALLS.get(module, ()):
        yield f"{module}.{function}", line


def test_no_other_part_of_the_package_opens_such_files():
    elsewhere, used = [], set()
    for file in sorted(ROOT.rglob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        if name.startswith("gate/"):
            continue
        allowed = ALLOWED.get(name, (set(), ""))[0]
        found = list(_found(file.read_text()))
        used |= {(name, what) for what, _ in found}
        elsewhere += [f"{name}:{line} {what}" for what, line in found if what not in allowed]
    assert not elsewhere
    assert {(name, what) for name, (whats, _) in ALLOWED.items() for what in whats} <= used, "allowed, and not needed"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("import zarr\nzarr.open('x')", {"zarr"}),
        ("from zarr import open_group as g\ng('x')", {"zarr"}),
        ("import numpy as np\nnp.load('x', allow_pickle=True)", {"numpy.load"}),
        ("from numpy import memmap", {"numpy.memmap"}),
        ("import numpy\nnumpy.lib.format.open_memmap('x')", {"numpy.open_memmap"}),
        ("import xarray as xr\nread = xr.open_zarr\nread('x')", {"xarray.open_zarr"}),
        ("def f():\n    from safetensors.numpy import load_file\n", {"safetensors"}),
        ("import json as j\nj.load(open('x'))", {"json.load"}),
        ("from json import loads", {"json.loads"}),
        ("import importlib\nimportlib.import_module('pickle')", {"pickle"}),
        ("import pandas as pd\npd.read_pickle('x')", {"pandas.read_pickle"}),
        ("import numpy as np\nimport json\njson.dumps(np.zeros(3).tolist())", set()),
    ],
)
def test_the_search_finds_what_it_looks_for(text, expected):
    assert {what for what, _ in _found(text)} == expected
