"""What switches leave of an expression: the same numbers, fewer names."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.equations.array_code import expression_function
from neurosim.equations.switched import switched

TEXTS = {
    "(1 - mirror)*r + mirror*(r + mirror_turn*sd*noise)": {"r", "sd", "noise", "mirror_turn"},
    "tanh(v) + perturb*sigma*noise": {"v", "sigma", "noise"},
    "exp(-mirror*v)/(1 + perturb)": {"v"},
    "r - perturb*noise": {"r", "noise"},
    "perturb*sigma*noise": {"sigma", "noise"},
    "mirror**2*v + int(v > perturb)": {"v"},
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("mirror", [0.0, 1.0, 0.5])
@pytest.mark.parametrize("perturb", [0.0, 1.0])
def test_the_numbers_are_the_same(text: str, mirror: float, perturb: float) -> None:
    generator = np.random.default_rng(0)
    names = ("r", "v", "sd", "sigma", "noise", "mirror_turn")
    values = {name: generator.standard_normal(5) for name in names}
    switches = {"mirror": mirror, "perturb": perturb}
    found = expression_function("found", switched(text, switches))
    whole = expression_function("whole", text)
    assert not {"mirror", "perturb"} & set(found.arguments)
    assert set(found.arguments) <= TEXTS[text]
    got = found.compile(np)(**{name: values[name] for name in found.arguments})
    expected = whole.compile(np)(**{name: {**values, **switches}[name] for name in whole.arguments})
    np.testing.assert_array_equal(np.broadcast_to(got, 5), expected)


def test_what_is_multiplied_by_zero_is_not_asked_for() -> None:
    assert switched("(1 - mirror)*r + mirror*sd*noise", {"mirror": 1.0}) == "sd * noise"
    assert switched("(1 - mirror)*r + mirror*sd*noise", {"mirror": 0.0}) == "r"
    assert switched("(1 - mirror)*r", {"mirror": 1.0}) == "0.0"
