"""Models with a probe, as sections or from a shipped file, built and measured."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import load
from neurosim.probes._findings import Findings
from neurosim.tasks._task import Task

Sections = Mapping[str, Any]


def merged(sections: Sections, variant: Sections) -> dict[str, Any]:
    """A variant's tables laid over a model's: one with a kind of its own replaces, other keys are merged."""
    found = dict(sections)
    for name, value in variant.items():
        below = found.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and "kind" not in value:
            found[name] = merged(below, value)
        else:
            found[name] = value
    return found


@pytest.fixture(scope="session")
def parts() -> Callable[..., tuple[BatchedEngine, Task]]:
    """Builds a model's engine and task."""

    def parts(sections: Sections, *, seed: int = 0) -> tuple[BatchedEngine, Task]:
        model = load({name: table for name, table in sections.items() if name != "probe"})
        task = model.load_task(seed=seed)
        engine = make_engine(model.engine, model.build(task))
        assert isinstance(engine, BatchedEngine)
        return engine, task

    return parts


@pytest.fixture(scope="session")
def probe(parts: Callable[..., tuple[BatchedEngine, Task]]) -> Callable[..., Findings]:
    """Builds a model and measures what its section ``probe`` says."""

    def probe(sections: Sections, *, seed: int = 0, **settings: Any) -> Findings:
        engine, task = parts(sections, seed=seed)
        given = {**sections["probe"], **settings}
        module = registry.load("probes", given.pop("kind"))
        return module.measure(module.Config(**given), engine, task, seed=seed)

    return probe


@pytest.fixture(scope="session")
def shipped() -> Callable[[str, str | None], dict[str, Any]]:
    """Sections of a shipped model, or of one of its variants."""

    def shipped(name: str, variant: str | None = None) -> dict[str, Any]:
        sections = tomllib.loads(registry.model_path(name).read_text())
        variants = sections.pop("variants", {})
        if not variant:
            return sections
        return merged(sections, {key: value for key, value in variants[variant].items() if key != "title"})

    return shipped
