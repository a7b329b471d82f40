"""Discovery: what is found, what is refused, and that nothing is imported before it is asked for."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from neurosim import registry
from neurosim.errors import ConfigError, DataError, UnknownNameError


@pytest.fixture(autouse=True)
def forget_registered(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    yield
    for name in [name for name in sys.modules if name.startswith("_neurosim_registered_")]:
        del sys.modules[name]


@pytest.fixture
def own_file(tmp_path):
    path = tmp_path / "my_metric.py"
    path.write_text('"""Half of it.\n\nMore."""\nUNIT = "1"\ndef measure(a, b):\n    return a / 2\n')
    return path


@pytest.mark.parametrize("kind", registry.kinds)
def test_every_variant_loads_and_describes_itself(kind):
    found = registry.names(kind)
    assert found == sorted(set(found))
    for name in found:
        assert not name.startswith("_")
        module = registry.load(kind, name)
        assert module.__doc__, f"{kind}/{name}.py has no docstring"
        assert registry.describe(kind, name) == module.__doc__.partition("\n")[0] != ""


def test_unknown_names_come_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"unknown network 'layerd': did you mean 'layered'\? .*recurrent"):
        registry.load("networks", "layerd")
    # There are more than are listed.
    many = r"unknown task 'digit': did you mean 'digits'\? 'neurosim list tasks' shows all \d+"
    with pytest.raises(UnknownNameError, match=many):
        registry.load("tasks", "digit")
    with pytest.raises(UnknownNameError, match="unknown kind 'task': did you mean 'tasks'"):
        registry.names("task")


@pytest.mark.parametrize("name", ["_task", "__init__", "", "os", "..errors", "../errors", "digits.py", "digits.load"])
def test_only_variants_can_be_loaded(name):
    with pytest.raises(UnknownNameError):
        registry.load("tasks", name)
    with pytest.raises(UnknownNameError):
        registry.describe("tasks", name)


def test_a_file_of_ones_own(own_file):
    assert registry.register("metrics", own_file) == "my_metric"
    assert "my_metric" in registry.names("metrics")
    assert "my_metric" not in registry.names("tasks")
    assert registry.describe("metrics", "my_metric") == "Half of it."
    module = registry.load("metrics", "my_metric")
    assert module.measure(4, None) == 2
    assert registry.load("metrics", "my_metric") is module


def test_registering_again_reads_the_file_anew(own_file):
    registry.register("metrics", own_file)
    assert registry.load("metrics", "my_metric").UNIT == "1"
    own_file.write_text('"""Changed."""\nUNIT = "percent"\n')
    registry.register("metrics", str(own_file))
    assert registry.load("metrics", "my_metric").UNIT == "percent"


def test_describing_runs_nothing(tmp_path):
    path = tmp_path / "explosive.py"
    path.write_text('"""Do not touch."""\nraise RuntimeError("boom")\n')
    registry.register("tasks", path)
    assert registry.describe("tasks", "explosive") == "Do not touch."
    for _ in range(2):
        with pytest.raises(RuntimeError, match="boom"):
            registry.load("tasks", "explosive")


def test_files_that_cannot_be_registered(tmp_path, own_file):
    with pytest.raises(DataError, match=r"no file .*absent\.py"):
        registry.register("metrics", tmp_path / "absent.py")
    for stem in ("text.txt", "_hidden.py", "two words.py", "a-b.py"):
        path = tmp_path / stem
        path.touch()
        with pytest.raises(ConfigError, match="cannot be registered"):
            registry.register("metrics", path)
    registry.register("metrics", own_file)
    other = tmp_path / "other" / "my_metric.py"
    other.parent.mkdir()
    other.touch()
    with pytest.raises(ConfigError, match="'my_metric' already"):
        registry.register("metrics", other)
    shipped = tmp_path / "angle.py"
    shipped.touch()
    with pytest.raises(ConfigError, match="'angle' already"):
        registry.register("metrics", shipped)


def test_entry_points_of_other_packages(monkeypatch, tmp_path):
    (tmp_path / "plugged_task.py").write_text('"""From elsewhere."""\nVALUE = 3\n')
    monkeypatch.syspath_prepend(tmp_path)
    points = [
        EntryPoint("plugged", "plugged_task", "neurosim.tasks"),
        EntryPoint("broken", "no_such_module", "neurosim.tasks"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: [p for p in points if p.group == group])
    assert {"plugged", "broken", "digits"} <= set(registry.names("tasks"))
    assert registry.describe("tasks", "plugged") == "From elsewhere."
    assert registry.describe("tasks", "broken") == ""
    assert registry.load("tasks", "plugged").VALUE == 3
    assert "plugged" not in registry.names("rules")


def test_models(monkeypatch, tmp_path):
    for name in registry.models():
        assert registry.model_path(name).is_file()
    folder = tmp_path / "someone2000"
    folder.mkdir()
    for stem in ("small", "expected", "small.expected"):
        (folder / f"{stem}.toml").touch()
    monkeypatch.setattr(registry, "_models_folder", lambda: tmp_path)
    assert registry.models() == ["someone2000/small"]
    assert registry.model_path("someone2000/small") == folder / "small.toml"
    with pytest.raises(UnknownNameError, match=r"unknown model 'someone2000/smal': did you mean 'someone2000/small'"):
        registry.model_path("someone2000/smal")
    with pytest.raises(UnknownNameError):
        registry.model_path("../secret")


def test_what_models_are_held_against(monkeypatch, tmp_path):
    for folder in {name.partition("/")[0] for name in registry.models()}:
        assert registry.expected_path(folder).is_file()
    with pytest.raises(UnknownNameError, match="unknown folder of models 'lansdell': did you mean 'lansdell2020'"):
        registry.expected_path("lansdell")
    (tmp_path / "someone2000").mkdir()
    (tmp_path / "someone2000" / "small.toml").touch()
    monkeypatch.setattr(registry, "_models_folder", lambda: tmp_path)
    with pytest.raises(DataError, match="nothing is expected of the models"):
        registry.expected_path("someone2000")
