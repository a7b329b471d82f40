"""Loops that settle, the shipped model's variant that repairs feedback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def test_repairs_succeed_down_a_gradient_that_agrees_with_differences(
    probe: Callable[..., Any], shipped: Callable[..., Any]
) -> None:
    numbers = probe(shipped("podlaski2020/loops", "repair")).numbers
    assert numbers["repaired"] == 1
    assert numbers["gradient_cosine"] == pytest.approx(1, abs=1e-6)
