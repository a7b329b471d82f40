"""Settings stand in one place each: the build, ruff and pyright in pyproject.toml, all else in setup.cfg."""

from __future__ import annotations

import configparser
import pkgutil
import re
import tomllib
from pathlib import Path

import coverage
import pytest

import neurosim

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: Sections of setup.cfg, up to a colon, and tables of pyproject.toml below [tool].
IN_SETUP_CFG = {"tool:pytest", "coverage", "importlinter"}
IN_PYPROJECT = {"hatch", "ruff", "pyright"}
#: Files that these tools would read as well, or instead.
OTHERS = [
    *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", ".flake8", "mypy.ini", "setup.py"),
    *(".coveragerc", ".coveragerc.toml", ".importlinter", "ruff.toml", ".ruff.toml", "pyrightconfig.json"),
]


@pytest.fixture(scope="module")
def setup_cfg() -> configparser.ConfigParser:
    # Refuses a section or a key that is written twice.
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.read_string((ROOT / "setup.cfg").read_text())
    return parser


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def test_each_tool_has_its_settings_in_one_file(setup_cfg) -> None:
    sections = {re.sub(r"^(?!tool:)([^:]*):.*", r"\1", section) for section in setup_cfg.sections()}
    assert sections == IN_SETUP_CFG
    assert set(PROJECT["tool"]) == IN_PYPROJECT
    assert [name for name in OTHERS if (ROOT / name).exists()] == []


def test_the_build_is_hatchling_s(setup_cfg) -> None:
    assert PROJECT["build-system"]["build-backend"] == "hatchling.build"
    assert not {"metadata", "options"} & set(setup_cfg.sections())


def test_pytest_reads_setup_cfg(pytestconfig: pytest.Config, setup_cfg) -> None:
    assert pytestconfig.inipath == ROOT / "setup.cfg"
    assert pytestconfig.rootpath == ROOT
    assert pytestconfig.getini("testpaths") == setup_cfg["tool:pytest"]["testpaths"].split() == ["tests", "notebooks"]
    assert pytestconfig.getini("xfail_strict") is True
    assert [marker.partition(":")[0] for marker in pytestconfig.getini("markers") if marker.startswith("slow")] == [
        "slow"
    ]
    assert pytestconfig.getini("filterwarnings") == _lines(setup_cfg["tool:pytest"]["filterwarnings"])


def test_coverage_reads_setup_cfg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    read = coverage.Coverage()
    assert read.get_option("run:source") == ["neurosim"]
    assert read.get_option("run:branch") is True
    assert read.get_option("report:show_missing") is True
    assert set(read.config.config_files_read) == {str(ROOT / "setup.cfg")}


def test_every_part_of_the_package_has_its_layer(setup_cfg) -> None:
    layers = _lines(setup_cfg["importlinter:contract:down"]["layers"])
    named = [part.strip() for layer in layers for part in layer.split("|")]
    assert sorted(named) == sorted(module.name for module in pkgutil.iter_modules(neurosim.__path__))
    assert setup_cfg["importlinter"]["root_package"] == "neurosim"


def test_every_contract_has_a_name_and_a_type(setup_cfg) -> None:
    contracts = [dict(setup_cfg[name]) for name in setup_cfg.sections() if name.startswith("importlinter:contract:")]
    kinds = ["layers", "forbidden", "independence", "layers", "layers", "layers", "acyclic_siblings"]
    assert [contract["type"] for contract in contracts] == kinds
    assert all(contract["name"] for contract in contracts)
