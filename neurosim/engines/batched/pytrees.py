"""Dataclasses whose fields compiled programs take and return as arrays."""

from __future__ import annotations

from dataclasses import fields
from typing import TypeVar

import jax

Registered = TypeVar("Registered")


def pytree(kind: type[Registered]) -> type[Registered]:
    """Let JAX see the fields of a dataclass as arrays, so that compiled programs take and return it."""
    jax.tree_util.register_dataclass(kind, data_fields=[one.name for one in fields(kind)], meta_fields=[])  # type: ignore[arg-type]
    return kind
