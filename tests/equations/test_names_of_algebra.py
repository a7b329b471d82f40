"""Variables may be called like functions and constants of the algebra that integrates them."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.equations.array_code import block_function
from neurosim.equations.discretise import METHODS, abstract_code
from neurosim.equations.parse import parse_equations

LEAK = "d{0}/dt = (a - {0})/tau : 1\ntau : second (constant)\na : 1 (constant)"


def after_a_step(name: str, method: str) -> float:
    code = abstract_code(parse_equations(LEAK.format(name)), method)
    step = block_function("advance", code, (name,))
    return float(step.compile(np)(**{name: 0.3, "a": 1.5, "tau": 0.02, "dt": 1e-3}))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["trace", "gamma", "beta", "S", "Q", "zeta", "test", "solve", "Function", "degree"])
def test_a_state_variable_of_that_name_is_integrated_like_any_other(name: str, method: str) -> None:
    assert after_a_step(name, method) == pytest.approx(after_a_step("v_m", method), rel=1e-14)
