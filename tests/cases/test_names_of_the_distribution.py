"""The distribution is neurosim-lab: wherever an installation is named, it is right for a checkout and for a release."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import neurosim
from neurosim import installation
from neurosim.installation import DISTRIBUTION, how_to_install
from neurosim.runs.folder import installed_version, provenance

ROOT = Path(__file__).parents[2]
TEXTS = {".py", ".md", ".toml", ".cfg", ".ipynb", ".cff", ".yaml", ".yml", ".txt", ".rst", ""}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: What a stranger's package would be installed or looked up by.
STALE = {
    "an extra of another package": re.compile(r"\bneurosim\["),
    "the installation of another package": re.compile(r"pip3? install\b[^\n`#]*?[ \"'](?<!-e )neurosim(?![-\w/.])"),
    "the metadata of another package": re.compile(
        r"\b(?:version|distribution|metadata|requires)\(\s*[\"']neurosim[\"']"
    ),
}
EXTRA = re.compile(r"(?:neurosim-lab|(?<=[\"' ])\.)\[([\w,-]+)\]")


def _texts() -> list[Path]:
    """What is kept under version control or is about to be; this file has examples of what is wrong."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    names = done.stdout.splitlines() if done.returncode == 0 else [str(p.relative_to(ROOT)) for p in _source_files()]
    paths = [ROOT / name for name in names if Path(name).suffix in TEXTS]
    return [path for path in paths if path.is_file() and path != Path(__file__)]


def _source_files() -> list[Path]:
    folders = ("neurosim", "models", "docs", "notebooks", "benchmarks", "tests")
    return [*ROOT.glob("*"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]


def _faults(text: str) -> list[str]:
    return [f"{name}: {match[0]}" for name, wrong in STALE.items() for match in wrong.finditer(text)]


def test_no_text_names_the_package_of_another() -> None:
    found = {str(path.relative_to(ROOT)): faults for path in _texts() if (faults := _faults(path.read_text()))}
    assert found == {}
    assert len(_texts()) > 300


@pytest.mark.parametrize(
    "stale",
    [
        'pip install "neurosim[nwb]"',
        "pip install neurosim",
        "python -m pip install --upgrade neurosim",
        "sweeps need dask; pip install 'neurosim[sweep]'",
        'version("neurosim")',
        "importlib.metadata.version('neurosim')",
    ],
)
def test_stale_names_are_found(stale: str) -> None:
    assert _faults(stale)


@pytest.mark.parametrize(
    "right",
    ['pip install "neurosim-lab[nwb]"', 'pip install -e ".[nwb]"', "pip install neurosim-lab", "import neurosim"],
)
def test_right_names_are_let_through(right: str) -> None:
    assert not _faults(right)


def test_extras_that_texts_name_exist() -> None:
    named = {
        (str(path.relative_to(ROOT)), extra)
        for path in _texts()
        for match in EXTRA.finditer(path.read_text())
        for extra in match[1].split(",")
    }
    assert {extra for _, extra in named} >= {"nwb", "sweep", "cuda", "notebooks"}
    assert [(path, extra) for path, extra in named if extra not in PROJECT["optional-dependencies"]] == []


def test_pages_that_name_a_release_say_what_to_do_in_a_checkout() -> None:
    pages = [path for path in _texts() if path.suffix in (".md", ".ipynb") and "neurosim-lab[" in path.read_text()]
    assert {"README.md", "quick-start.md", "export.md", "sweep.md", "gpu.md"} <= {path.name for path in pages}
    assert [
        page.name for page in pages if "pip install -e" not in page.read_text().replace("install\n-e", "install -e")
    ] == []


def test_a_checkout_is_installed_by_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    assert how_to_install("nwb") == 'pip install -e ".[nwb]"'
    monkeypatch.chdir(tmp_path)
    assert how_to_install("sweep") == f'pip install -e "{ROOT}[sweep]"'


@pytest.mark.parametrize("beside", [None, '[project]\nname = "of-others"\n', "[project]\n", "no toml", "project = 3\n"])
def test_a_release_is_installed_by_its_name(
    beside: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if beside is not None:
        (tmp_path / "pyproject.toml").write_text(beside)
    monkeypatch.setattr(installation, "__file__", str(tmp_path / "neurosim" / "installation.py"))
    assert how_to_install("nwb") == 'pip install "neurosim-lab[nwb]"'


def test_the_name_is_the_same_everywhere() -> None:
    assert PROJECT["name"] == DISTRIBUTION == "neurosim-lab"
    assert set(PROJECT["scripts"]) == {"neurosim"}
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [neurosim.__version__]


def test_a_run_says_the_version_of_this_package_whatever_else_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosim.runs.folder.version", lambda name: f"of a stranger called {name}")
    assert installed_version("neurosim") == neurosim.__version__
    assert provenance(0, "0" * 16)["versions"]["neurosim"] == neurosim.__version__
    assert installed_version("jax") == "of a stranger called jax"
