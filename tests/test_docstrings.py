"""Every public name says what it is, takes, gives and raises, in sections; its examples run.

Names are found: all of `neurosim`, and of each variant what its kind asks for.
"""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

import neurosim
from neurosim import registry

_EMPTY = inspect.Parameter.empty


def sections(docstring: str) -> dict[str, str]:
    """The parts of a NumPy docstring by their underlined titles."""
    found = re.split(r"^(\w[\w ]*)\n-{3,}\n", docstring, flags=re.MULTILINE)
    return {"": found[0], **dict(zip(found[1::2], found[2::2], strict=True))}


def documented(text: str) -> set[str]:
    """The names that a section explains: what is not indented."""
    return {name.strip("* ") for line in text.split("\n") if line[:1].strip() for name in line.split(",")}


def own_methods(thing: type) -> Iterator[tuple[str, Any]]:
    for name, member in vars(thing).items():
        if not name.startswith("_") and inspect.isfunction(member) and member.__module__.startswith("neurosim"):
            yield name, member


def asked(thing: Any) -> Sequence[str]:
    """The arguments that a docstring has to explain."""
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return ()
    return [
        name for name, p in inspect.signature(thing).parameters.items() if name != "self" and p.kind != p.VAR_KEYWORD
    ]


def complaints(name: str, thing: Any) -> list[str]:
    docstring = inspect.getdoc(thing) or ""
    found, parts = [], sections(docstring)
    if not parts[""].strip():
        return [f"{name}: no docstring"]
    first = parts[""].strip().split("\n")[0]
    if not first.endswith((".", ":")):
        found.append(f"{name}: the first line is no sentence: {first}")
    explained = documented(parts.get("Parameters", "")) | documented(parts.get("Attributes", ""))
    if missing := [each for each in asked(thing) if each not in explained]:
        found.append(f"{name}: {', '.join(missing)} not explained under Parameters or Attributes")
    if inspect.isfunction(thing):
        returned = inspect.signature(thing).return_annotation
        if returned not in (None, "None", _EMPTY) and "Returns" not in parts and "Yields" not in parts:
            found.append(f"{name}: gives {returned}, but has no section Returns")
        if re.search(r"^\s+raise [A-Z]\w*Error", inspect.getsource(thing), re.MULTILINE) and "Raises" not in parts:
            found.append(f"{name}: raises, but has no section Raises")
        annotated = inspect.signature(thing).parameters.items()
        if bare := [each for each, p in annotated if p.annotation is _EMPTY and each != "self"]:
            found.append(f"{name}: {', '.join(bare)} without a type")
    if ">>>" not in docstring:
        found.append(f"{name}: no example")
    return found


@pytest.mark.parametrize("name", neurosim.__all__)
def test_every_public_name_has_its_sections(name: str) -> None:
    found = complaints(name, getattr(neurosim, name))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", [n for n in neurosim.__all__ if inspect.isclass(getattr(neurosim, n))])
def test_every_method_of_a_public_class_says_what_it_does(name: str) -> None:
    thing = getattr(neurosim, name)
    silent = [method for method, member in own_methods(thing) if not inspect.getdoc(member)]
    silent += [p for p, m in vars(thing).items() if isinstance(m, property) and not p.startswith("_") and not m.__doc__]
    assert not silent
    assert not (is_dataclass(thing) and fields(thing)) or "Attributes" in sections(inspect.getdoc(thing) or "")


@pytest.mark.parametrize("name", neurosim.__all__)
def test_examples_run(name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_registered", {})
    thing = getattr(neurosim, name)
    names = {**{each: getattr(neurosim, each) for each in neurosim.__all__}, "neurosim": neurosim, "np": np}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    told: list[str] = []
    for test in doctest.DocTestFinder(recurse=inspect.isclass(thing)).find(thing, name, globs=names):
        runner.run(test, out=told.append)
    assert runner.tries, f"{name} has no example"
    assert not runner.failures, "".join(told)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in registry.kinds for name in registry.names(kind)])
def test_every_variant_says_what_it_is_and_what_can_be_set(kind: str, name: str) -> None:
    module = registry.load(kind, name)
    found = [] if registry.describe(kind, name).endswith(".") else [f"{kind}/{name}: the first line is no sentence"]
    config = getattr(module, "Config", None)
    if config is not None:
        # Settings that are inherited are explained where they are declared.
        lines = [
            sections(inspect.cleandoc(each.__doc__ or "")) for each in config.__mro__ if "neurosim" in each.__module__
        ]
        explained = {
            n for parts in lines for key in ("Parameters", "Attributes") for n in documented(parts.get(key, ""))
        }
        found += [
            f"{kind}/{name}: setting {field} is not explained" for field in config.model_fields.keys() - explained
        ]
    for function in ("build", "load", "measure", "sizes"):
        member = getattr(module, function, None)
        if inspect.isfunction(member) and not inspect.getdoc(member):
            found.append(f"{kind}/{name}: {function} has no docstring")
    assert not found, "\n".join(found)
